"""Measure the p99 of a lone client while another thread of the server encodes spans, with pacing and without."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable

from bench import shop
from bench.overhead.direct import serve
from bench.parts.clock import Ports, Run
from bench.parts.spans import RESOURCE, app_provider, server_spans
from bench.paths import HOME
from flask_onetrace.telemetry.export.gil_pacing import bypass_while
from flask_onetrace.telemetry.sinks.otlp import json_encoder
from flask_onetrace.telemetry.spans.span import LightSpan

_PAUSE = 0.001


def ours(_: Ports) -> Run:
    """Pace the encoder."""
    return _run(lambda: False)


def stock(_: Ports) -> Run:
    """Let the encoder run at full speed."""
    return _run(lambda: True)


def _run(is_urgent: Callable[[], bool]) -> Run:
    """Return a run whose repetitions are the requests of a client in a process of its own, in milliseconds."""
    app = shop.create_app(lambda: shop.home_feed(shop.now()), list)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(listener, app), daemon=True).start()
    spans = [span for span in server_spans(app_provider()) if isinstance(span, LightSpan)]

    def run(count: int) -> tuple[float]:
        is_over = threading.Event()
        encoder = threading.Thread(target=_encode_until, args=(is_over, spans, is_urgent))
        encoder.start()
        command = [sys.executable, "-m", "bench.parts.lone_client", str(listener.getsockname()[1]), str(count)]
        p99 = float(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)  # noqa: S603 - our own module
        is_over.set()
        encoder.join()
        return (p99,)

    return run


def _encode_until(is_over: threading.Event, spans: list[LightSpan], is_urgent: Callable[[], bool]) -> None:
    bypass_while(is_urgent)
    while not is_over.wait(_PAUSE):
        json_encoder.encode(RESOURCE, spans)


def _serve(listener: socket.socket, app: object) -> None:
    """Serve one connection after the other: read a request, call the app, write a response."""
    while True:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1024):
                serve(app, 1, (HOME,))
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
