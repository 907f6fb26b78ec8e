"""Post a body of 16 KiB over a kept-alive connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.parts.clock import Ports, Run, microseconds

BODY: Final = b"x" * 16 * 1024
HEADERS: Final = {"content-type": "application/json", "x-honeycomb-team": "fake-honeycomb-key"}


def ours(ports: Ports) -> Run:
    """Use the telemetry's client."""
    from flask_onetrace.telemetry.export.gil_pacing import bypass_while  # noqa: PLC0415 - each side imports its own
    from flask_onetrace.telemetry.export.http import HttpClient  # noqa: PLC0415 - the same

    bypass_while(lambda: True)
    client = HttpClient(f"{ports.url}/v1/traces", HEADERS)
    return _run(lambda: client.post(BODY))


def stock(ports: Ports) -> Run:
    """Use a session of requests, as OpenTelemetry's exporter does."""
    import requests  # noqa: PLC0415 - as above

    session = requests.Session()
    session.headers.update(HEADERS)
    return _run(lambda: session.post(f"{ports.url}/v1/traces", data=BODY, timeout=10).content)


def _run(post: Callable[[], object]) -> Run:
    def repeat(count: int) -> None:
        for _ in range(count):
            post()

    return microseconds(repeat)
