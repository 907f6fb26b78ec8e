"""Measure one variant in a process of its own, as JSON: `python -m bench.overhead.direct VARIANT REQUESTS HTTP UDP`."""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from io import BytesIO
from typing import Any

PATHS = ("/api/activities/home", "/api/activities/notifications")
WARM_UP = 200
RAISING = 150
CALLGRIND_IS_SLOWER = 50


def main() -> None:
    """Build the variant, warm it up, and print what each request cost."""
    name, requests, http, udp = sys.argv[1], *map(int, sys.argv[2:5])
    begun = time.process_time()
    from bench.overhead.variants import build  # noqa: PLC0415 - importing is measured

    counting = "--only-count" in sys.argv
    subject = build(name, http=http, udp=udp, slower=CALLGRIND_IS_SLOWER if counting else 1)
    serve(subject.app, 1)
    ready = time.process_time() - begun
    serve(subject.app, WARM_UP)
    gc.collect()
    gc.freeze()  # as the service's gunicorn configuration does; for every variant alike
    subject.flush()
    cpu, wall = time.process_time(), time.perf_counter()
    serve(subject.app, requests)
    served = time.perf_counter() - wall
    subject.flush()
    spent = time.process_time() - cpu
    if counting:
        os._exit(0)
    figures = {
        "raise_ms": raising(subject.app) * 1e3,
        "cpu_us": spent / requests * 1e6,
        "wall_us": served / requests * 1e6,
        "ready_s": ready,
        "dropped": subject.dropped(),
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    # The stock exporters' exit handlers would wait; they are not what is measured here.
    os._exit(0)


def raising(app: Any) -> float:  # noqa: ANN401 - any WSGI application
    """Return the median CPU seconds that the request's own thread spends on one that raises."""
    spent = []
    for _ in range(RAISING):
        before = time.thread_time()
        serve(app, 1, ("/api/fault",))
        spent.append(time.thread_time() - before)
        time.sleep(0.002)  # the sending threads' turn
    return statistics.median(spent)


def serve(app: Any, requests: int, paths: Sequence[str] = PATHS) -> None:  # noqa: ANN401 - any WSGI application
    """Send `requests` requests straight to the WSGI application."""
    for number in range(requests):
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": paths[number % len(paths)],
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "HTTP_USER_AGENT": "bench/1.0",
            "HTTP_X_AMZN_TRACE_ID": f"Root=1-5759e988-{number:024x}",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "wsgi.version": (1, 0),
        }
        body = app(environ, lambda _status, _headers, _exc_info=None: None)
        for _ in body:
            pass
        close = getattr(body, "close", None)
        if close is not None:
            close()


if __name__ == "__main__":
    main()
