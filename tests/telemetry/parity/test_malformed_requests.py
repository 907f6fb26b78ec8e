"""Unusual hosts and paths never break a request and are recorded correctly."""

from __future__ import annotations

import logging

import pytest

from tests.telemetry.parity.conftest import InstrumentedApp
from tests.telemetry.parity.routes import RequestSpec
from tests.telemetry.sampling.samplers import FixedSampler

LISTENING = {"SERVER_NAME": "10.0.1.5", "SERVER_PORT": "4567"}


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("cruddur.example", "cruddur.example", 80),
        ("cruddur.example:8080", "cruddur.example", 8080),
        ("[2001:db8::1]:8080", "[2001:db8::1]", 8080),
        ("[2001:db8::1]", "[2001:db8::1]", 80),
        ("", "10.0.1.5", 4567),
        (":8080", "10.0.1.5", 4567),
        ("a:b:c", "10.0.1.5", 4567),
        ("cruddur.example:123456", "10.0.1.5", 4567),
    ],
)
def test_the_server_address_comes_from_the_host_header(
    host: str, address: str, port: int, ours: InstrumentedApp
) -> None:
    ours.send(RequestSpec("/ok", environ={**LISTENING, "HTTP_HOST": host}))
    [span] = ours.spans
    assert (span["attributes"]["server.address"], span["attributes"]["server.port"]) == (address, port)


def test_a_unix_socket_has_no_ports(ours: InstrumentedApp) -> None:
    environ = {"HTTP_HOST": "", "SERVER_NAME": "socket", "SERVER_PORT": "", "REMOTE_ADDR": "", "REMOTE_PORT": ""}
    assert ours.send(RequestSpec("/ok", environ=environ)).status_code == 200
    [span] = ours.spans
    assert not {"server.port", "client.port"} & span["attributes"].keys()


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/\xf0\x9f\xa6\x96", "/🦖"),
        (b"/\xff", "/\N{REPLACEMENT CHARACTER}"),
        (b"/\xed\xa0\x80", "/" + 3 * "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_path_is_decoded_as_utf_8_everywhere(
    raw: bytes, path: str, ours: InstrumentedApp, caplog: pytest.LogCaptureFixture
) -> None:
    sampler = ours.telemetry.sampler = FixedSampler(sampled=True, rate=1)
    access_logger = logging.getLogger("flask_onetrace.access")
    access_logger.addHandler(caplog.handler)
    try:
        assert ours.send(RequestSpec("/", environ={"PATH_INFO": raw.decode("latin-1")})).status_code == 404
    finally:
        access_logger.removeHandler(caplog.handler)
    [span], [segment] = ours.spans, ours.segments
    assert span["attributes"]["url.path"] == path
    assert segment["http"]["request"]["url"] == f"http://cruddur.example{path}"
    assert caplog.messages == [f"GET {path} 404"]
    assert [request.path for request in sampler.requests] == [path]
