"""Measure one variant in a process of its own: `python -m bench.child VARIANT REQUESTS HTTP UDP` prints JSON."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from io import BytesIO
from typing import Any

PATHS = ("/api/activities/home", "/api/activities/notifications")
WARM_UP = 200


def main() -> None:
    """Build the variant, warm it up, and print what each request cost."""
    name, requests, http, udp = sys.argv[1], *map(int, sys.argv[2:5])
    begun = time.process_time()
    from bench.variants import build  # noqa: PLC0415 - importing is measured

    subject = build(name, http=http, udp=udp)
    serve(subject.app, 1)
    ready = time.process_time() - begun
    serve(subject.app, WARM_UP)
    subject.flush()
    cpu, wall = time.process_time(), time.perf_counter()
    serve(subject.app, requests)
    served = time.perf_counter() - wall
    subject.flush()
    spent = time.process_time() - cpu
    figures = {
        "cpu_us": spent / requests * 1e6,
        "wall_us": served / requests * 1e6,
        "ready_s": ready,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()
    # The stock exporters' exit handlers would wait; they are not what is measured here.
    os._exit(0)


def serve(app: Any, requests: int) -> None:  # noqa: ANN401 - any WSGI application
    """Send `requests` requests straight to the WSGI application."""
    for number in range(requests):
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": PATHS[number % 2],
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
