"""Measure one variant in a process of its own: `python -m bench.libraries.worker VARIANT SLOWDOWN PORT…`.

Each line of standard input is a route and a number of requests, each line of output the JSON of the CPU microseconds
that one of them takes, all threads', until its spans are sent.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time

from bench.libraries.calls import CALLS, Ports
from bench.libraries.variants import build
from bench.overhead.direct import serve
from bench.overhead.subject import Subject

_OK = 200


def main() -> None:
    """Build the variant, then measure until standard input ends."""
    name, slowdown, *ports = sys.argv[1:]
    subject = build(name, Ports(*map(int, ports)), slowdown=int(slowdown))
    _check(subject)
    gc.collect()
    gc.freeze()  # as the service's gunicorn configuration does, here for every variant
    for line in sys.stdin:
        path, count = line.split()
        sys.stdout.write(json.dumps([_cpu(subject, path, int(count))]) + "\n")
        sys.stdout.flush()
    # The stock exporters' exit handlers would wait for their timeouts.
    os._exit(0)


def _check(subject: Subject) -> None:
    """Exit unless every call succeeds."""
    client = subject.app.test_client()
    for call in CALLS:
        response = client.get(call.path)
        if response.status_code != _OK:
            sys.exit(f"{call.path} responded {response.status}: see its traceback above")


def _cpu(subject: Subject, path: str, count: int) -> float:
    start = time.process_time()
    serve(subject.app, count, (path,))
    subject.flush()
    seconds = time.process_time() - start
    if subject.dropped() > 0:
        sys.exit(f"{path}: items were dropped, which costs less than exporting them: use fewer requests in a round")
    return seconds / count * 1e6


if __name__ == "__main__":
    main()
