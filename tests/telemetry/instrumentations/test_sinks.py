"""What the sinks and the sampler send is never traced, whatever of it is instrumented."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Final

import boto3
import httpx
import pytest
import requests
import urllib3

from flask_onetrace.telemetry import instrumentations
from flask_onetrace.telemetry.export.queue import ExportQueue
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.instrumentations.conftest import Upstream
from tests.telemetry.sampling.fake_daemon import FakeDaemon, rule
from tests.telemetry.tracing import SpanRecorder, flush, get, telemetry_of, wait_until

CLIENTS = ("botocore", "httpx", "requests", "threading", "urllib3")
REQUESTS = 5
SENDERS: Final[dict[str, Callable[[str], object]]] = {
    "requests": lambda url: requests.get(url, timeout=60),
    "httpx": lambda url: httpx.get(url, timeout=60),
    "urllib3": lambda url: urllib3.request("GET", url),
    "botocore": lambda url: boto3.client("sqs", region_name="us-east-1", endpoint_url=url).list_queues(),
}


@pytest.fixture
def daemon(socket_enabled: None) -> Iterator[tuple[FakeDaemon, str]]:  # noqa: ARG001 - it listens on 127.0.0.1
    """A daemon whose rule samples every request, and its address."""
    daemon = FakeDaemon(rules=[rule(FixedRate=1.0)])
    with daemon.serving() as (host, port):
        yield daemon, f"{host}:{port}"


def test_no_span_names_an_endpoint_of_a_sink_or_of_the_sampler(
    make_app: AppFactory, backends: FakeBackends, daemon: tuple[FakeDaemon, str]
) -> None:
    address = f"udp:{backends.xray['AWS_XRAY_DAEMON_ADDRESS']} tcp:{daemon[1]}"
    environment = {**backends.environment, "AWS_XRAY_DAEMON_ADDRESS": address, "FAULT_ROUTES": "true"}
    app = make_app(environment)
    assert [sink.name for sink in telemetry_of(app).sinks if not sink.status()["on"]] == ["console"]
    assert {instrumentations.detail()[name] for name in CLIENTS} == {"on"}
    app.get("/log")(log)
    recorder = SpanRecorder(app)
    for _ in range(REQUESTS):
        for path in ("/log", "/api/activities/home", "/api/fault", "/rollbar/test"):
            last = get(app, path)
        flush(app)  # what it sends must not become spans that the next one sends
    assert wait_until(lambda: daemon[0].paths)
    spans = recorder.take()
    assert eventually(lambda: backends.spans(last.trace_id), 1)
    ports = set(re.findall(r"127\.0\.0\.1:(\d+)", " ".join([*environment.values(), *backends.aws.values()])))
    assert len(ports) == 5
    shown = [f"{each.name} {dict(each.attributes or {})}" for each in spans]
    assert [each for each in shown if any(port in each for port in ports)] == []
    modules = {each.instrumentation_scope.name for each in spans if each.instrumentation_scope is not None}
    assert [each for each in modules if each.startswith("opentelemetry.instrumentation")] == []
    assert len([each for each in spans if each.parent is None]) == REQUESTS * 4


def log() -> str:
    logging.getLogger("app").error("an error, for every sink of log lines")
    return "ok"


def test_the_same_call_by_a_handler_is_traced(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app(backends.environment)
    recorder = SpanRecorder(app)

    @app.get("/call")
    def call() -> str:
        return str(requests.get(backends.environment["OTEL_EXPORTER_OTLP_ENDPOINT"], timeout=60).status_code)

    get(app, "/call")
    [client, _] = recorder.take()
    assert (client.attributes or {})["url.full"] == backends.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/"


@pytest.mark.parametrize("client", ["requests", "httpx", "urllib3", "botocore"])
def test_a_sink_may_send_with_an_instrumented_client(
    make_app: AppFactory, backends: FakeBackends, upstream: Upstream, client: str
) -> None:
    def send(urls: list[str]) -> None:
        SENDERS[client](urls[0])

    recorder = SpanRecorder(make_app(backends.environment))
    queue = ExportQueue("another", send)
    try:
        queue.put(upstream.url)
        assert queue.flush(10)
    finally:
        queue.begin_close(5)
        assert queue.finish_close()
    assert len(upstream.received) == 1
    assert not {"traceparent", "x-amzn-trace-id", "baggage"} & set(upstream.received[0])
    assert recorder.take() == []
