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

from bench.paths import FAULT, HOME, NOTIFICATIONS

PATHS = (HOME, NOTIFICATIONS)
WARM_UP = 200
FAULTS = 150
CALLGRIND_SLOWDOWN = 50


def main() -> None:
    """Build the variant, warm it up, and print the cost of a request."""
    name, requests, http, udp = sys.argv[1], *map(int, sys.argv[2:5])
    start = time.process_time()
    from bench.overhead.variants import build  # noqa: PLC0415 - importing is measured

    counting = "--only-count" in sys.argv
    subject = build(name, http=http, udp=udp, slowdown=CALLGRIND_SLOWDOWN if counting else 1)
    serve(subject.app, 1)
    ready = time.process_time() - start
    serve(subject.app, WARM_UP)
    gc.collect()
    gc.freeze()  # as the service's gunicorn configuration does, here for every variant
    subject.flush()
    cpu_start, wall_start = time.process_time(), time.perf_counter()
    serve(subject.app, requests)
    wall = time.perf_counter() - wall_start
    subject.flush()
    cpu = time.process_time() - cpu_start
    if counting:
        os._exit(0)
    figures = {
        "raise_ms": cpu_of_a_fault(subject.app) * 1e3,
        "cpu_us": cpu / requests * 1e6,
        "wall_us": wall / requests * 1e6,
        "ready_s": ready,
        "dropped": subject.dropped(),
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    # The stock exporters' exit handlers would wait for their timeouts, which are not measured here.
    os._exit(0)


def cpu_of_a_fault(app: Any) -> float:  # noqa: ANN401 - any WSGI application
    """Return the median CPU seconds of the request's own thread for a request that raises."""
    seconds = []
    for _ in range(FAULTS):
        before = time.thread_time()
        serve(app, 1, (FAULT,))
        seconds.append(time.thread_time() - before)
        time.sleep(0.002)  # lets the exporter threads run
    return statistics.median(seconds)


def serve(app: Any, requests: int, paths: Sequence[str] = PATHS) -> None:  # noqa: ANN401 - any WSGI application
    """Call the WSGI application with `requests` requests, without a server."""
    for number in range(requests):
        serve_one(app, environ_of(paths[number % len(paths)], number))


def environ_of(path: str, number: int) -> dict[str, Any]:
    """Return the WSGI environment of the `number`th request."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
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


def serve_one(app: Any, environ: dict[str, Any]) -> None:  # noqa: ANN401 - any WSGI application
    """Call the WSGI application with one request, and read its body."""
    body = app(environ, lambda _status, _headers, _exc_info=None: None)
    for _ in body:
        pass
    close = getattr(body, "close", None)
    if close is not None:
        close()


if __name__ == "__main__":
    main()
