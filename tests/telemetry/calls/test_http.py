"""HTTP calls: X-Ray names them by their host, as the service map does, and Honeycomb by their method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import requests
import urllib3
from flask import Flask
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

from local.fakes.server import LocalServer
from tests.telemetry.calls.conftest import OLD, Instrument
from tests.telemetry.calls.recorder import CallRecorder

CLIENTS: dict[str, tuple[Any, Callable[[str], object]]] = {
    "httpx": (HTTPXClientInstrumentor, httpx.get),
    "requests": (RequestsInstrumentor, requests.get),
    "urllib3": (URLLib3Instrumentor, lambda url: urllib3.request("GET", url)),
}
CONVENTIONS = ["", OLD]
"""The ones before the stable HTTP conventions, and the stable ones."""
FLAGS = {200: {}, 404: {"error": True}, 429: {"throttle": True, "error": True}, 503: {"fault": True}}


@pytest.fixture
def server(socket_enabled: None) -> Iterator[LocalServer]:  # noqa: ARG001 - it listens on 127.0.0.1
    """A server whose path says which status it responds with."""
    app = Flask("remote")
    app.add_url_rule("/<int:status>", view_func=lambda status: ("ok", status))
    with closing(LocalServer(app)) as server:
        yield server


@pytest.mark.parametrize("opt_in", CONVENTIONS)
@pytest.mark.parametrize("library", CLIENTS)
@pytest.mark.parametrize("status", FLAGS)
def test_a_call_is_named_by_its_host_in_x_ray(  # noqa: PLR0917 - three parameters and three fixtures
    status: int, library: str, opt_in: str, recorder: CallRecorder, instrument: Instrument, server: LocalServer
) -> None:
    instrumentor, get = CLIENTS[library]
    instrument(instrumentor, opt_in)
    span, subsegment = recorder.record(lambda: get(f"{server.url}/{status}?email=planted")).one
    assert span["name"] == "GET"
    assert (subsegment["name"], subsegment["namespace"]) == ("127.0.0.1", "remote")
    request = {key: value for key, value in subsegment["http"]["request"].items() if key != "user_agent"}
    assert request == {"method": "GET", "url": f"{server.url}/{status}"}
    assert subsegment["http"]["response"]["status"] == status
    assert {key: subsegment[key] for key in ("fault", "error", "throttle") if key in subsegment} == FLAGS[status]
    assert subsegment.get("metadata", {"default": {}})["default"].keys() <= {
        "network.peer.address",
        "network.peer.port",
    }
