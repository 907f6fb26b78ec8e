"""A program that continues its job's trace in a child process, as `test_process_end` runs it."""

from __future__ import annotations

import multiprocessing

from opentelemetry import propagate

from flask_onetrace.telemetry import job, span, trace_id
from flask_onetrace.wsgi import build


def step(headers: dict[str, str] | None) -> None:
    """Work in the child: a forked one has its parent's context, a new one is given it."""
    if headers is None:
        with span("in a child"):
            pass
    else:
        app = build()
        with app.app_context(), job("in a child", message=headers):
            pass


def main(method: str) -> None:
    app = build()
    build()  # another app, which is not kept
    multiprocessing.set_start_method(method)
    with app.app_context(), job("parent"):
        print(trace_id(), flush=True)  # noqa: T201 - the test reads it
        headers: dict[str, str] = {}
        propagate.inject(headers)
        child = multiprocessing.Process(target=step, args=[None if method == "fork" else headers])
        child.start()
        child.join()
