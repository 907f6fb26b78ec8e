"""Build a variant for gunicorn: `bench.overhead.gunicorn_app:build()`."""

from __future__ import annotations

import gc
import os
from typing import Any

from bench.overhead.variants import build as build_variant

FLUSH = "/bench/flush"


def build() -> Any:  # noqa: ANN401 - a Flask app
    """Return the app of BENCH_VARIANT; loaded objects are frozen, as by the service's gunicorn configuration."""
    subject = build_variant(
        os.environ["BENCH_VARIANT"], http=int(os.environ["BENCH_HTTP"]), udp=int(os.environ["BENCH_UDP"])
    )

    def flush() -> str:
        subject.flush()
        return str(subject.dropped())

    subject.app.add_url_rule(FLUSH, view_func=flush)
    gc.collect()
    gc.freeze()
    return subject.app
