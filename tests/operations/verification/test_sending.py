"""One request of each kind is sent with ids of its own, and again until one is sampled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, Response, request

from flask_onetrace.contract import RELAY_PATH, RUNTIME_FAULT_PATH, RUNTIME_SLOW_PATH, TRACE_ID_HEADER
from infra.application import Request
from local.fakes.server import LocalServer
from operations.verification import sending
from operations.verification.kinds import Kind, new_trace_id
from operations.verification.sending import MAX_ATTEMPTS, Client, ProbeResult, send_kind

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SMOKE_TEST = Request(path="/shop", headers={"X-Api-Key": "key"})


class Service:
    """A service that traces, samples every `every`th request, and has a relay."""

    def __init__(self) -> None:
        self.every = 1
        self.requests: list[dict[str, str]] = []
        self.spans: list[dict[str, Any]] = []
        self.app = Flask("service")
        self.app.add_url_rule("/shop", "shop", lambda: self.answer(200))
        self.app.add_url_rule(RUNTIME_SLOW_PATH, "slow", lambda: self.answer(200))
        self.app.add_url_rule(RUNTIME_FAULT_PATH, "fault", lambda: self.answer(500))
        self.app.add_url_rule(RELAY_PATH, "relay", self.relay, methods=["POST"])

    def answer(self, status: int) -> Response:
        self.requests.append(dict(request.headers))
        traceparent = request.headers.get("traceparent")
        trace_id = traceparent.split("-")[1] if traceparent else new_trace_id()
        flag = "01" if len(self.requests) % self.every == 0 else "00"
        headers = {TRACE_ID_HEADER: trace_id, "traceresponse": f"00-{trace_id}-{'1' * 16}-{flag}"}
        return Response("answer", status, headers)

    def relay(self) -> Response:
        self.spans.append({"origin": request.headers["Origin"], **request.get_json()})
        return Response("{}", 200)


@pytest.fixture
def service() -> Iterator[tuple[Service, Client]]:
    fake = Service()
    with closing(LocalServer(fake.app)) as server, closing(Client(f"{server.url}/")) as client:
        yield fake, client


def send(client: Client, kind: Kind, *, can_be_sampled: bool = True) -> ProbeResult:
    return send_kind(
        client, kind, SMOKE_TEST, {"X-Api-Key": "key"}, frontend="shop-page", can_be_sampled=lambda: can_be_sampled
    )


def test_each_kind_is_sent_once_and_answered_with_an_id_of_its_own(service: tuple[Service, Client]) -> None:
    fake, client = service
    sent = [send(client, kind) for kind in Kind]
    exchanges = [each.exchange for each in sent if each.exchange]
    assert [each.is_expected for each in exchanges] == [True] * len(Kind)
    assert len({each.trace_id for each in exchanges}) == len(Kind)
    assert len(fake.requests) == len(Kind)
    by_kind = {each.kind: each for each in exchanges}
    assert by_kind["caller"].trace_id == by_kind["caller"].sent_id
    assert by_kind["ok"].sent_id == ""


def test_the_browsers_request_is_a_child_of_a_span_that_the_relay_has_got(service: tuple[Service, Client]) -> None:
    fake, client = service
    sent = send(client, Kind.BROWSER)
    [export] = fake.spans
    [resource] = export["resourceSpans"]
    [span] = resource["scopeSpans"][0]["spans"]
    assert export["origin"] == client.url
    assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "shop-page"}}]
    assert fake.requests[0]["Traceparent"] == f"00-{span['traceId']}-{span['spanId']}-01"
    assert sent.probe is not None
    assert sent.probe.span_id == span["spanId"]


def test_a_request_is_sent_again_with_another_id_until_one_is_sampled(service: tuple[Service, Client]) -> None:
    fake, client = service
    fake.every = 3
    sent = send(client, Kind.OK)
    assert (sent.attempts, sent.was_sampled, len(fake.requests)) == (3, True, 3)


def test_that_none_is_sampled_ends(service: tuple[Service, Client]) -> None:
    fake, client = service
    fake.every = 10**6
    assert (send(client, Kind.OK).was_sampled, len(fake.requests)) == (False, MAX_ATTEMPTS)
    fake.requests.clear()
    assert send(client, Kind.CALLER, can_be_sampled=False).attempts == 1
    assert send(client, Kind.FAILING).was_sampled  # kept by tail sampling


def test_what_the_deployment_does_not_offer_is_skipped_with_the_reason(service: tuple[Service, Client]) -> None:
    fake, client = service
    fake.app.view_functions["slow"] = fake.app.view_functions["fault"] = lambda: ("no", 404)
    fake.app.view_functions["relay"] = lambda: ({"error": "BROWSER_RELAY is false"}, 404)
    reasons = {kind: send(client, kind).skipped for kind in Kind}
    assert reasons == {
        Kind.OK: "",
        Kind.SLOW: "/_onetrace/slow is not served: FAULT_ROUTES is false there",
        Kind.FAILING: "/_onetrace/fault is not served: FAULT_ROUTES is false there",
        Kind.BROWSER: 'POST /v1/traces answered 404: {"error":"BROWSER_RELAY is false"}',
        Kind.CALLER: "",
    }


def test_an_application_without_a_relay_is_told_from_one_that_refuses(service: tuple[Service, Client]) -> None:
    fake, client = service
    fake.app.view_functions["relay"] = lambda: ("<!doctype html><title>404 Not Found</title>", 404)
    assert send(client, Kind.BROWSER).skipped == (
        "/v1/traces is not served: the application has no browser relay (docs/telemetry.md#the-browser)"
    )


def test_another_verification_may_have_the_slow_route(
    service: tuple[Service, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, client = service
    busy = [Response("busy", 429)]
    fake.app.view_functions["slow"] = lambda: busy.pop() if busy else fake.answer(200)
    monkeypatch.setattr(sending, "BUSY_PAUSE", 0.0)
    sent = send(client, Kind.SLOW)
    assert sent.exchange is not None
    assert (sent.exchange.status, sent.attempts) == (200, 2)


def test_what_gets_no_response_says_why() -> None:
    with closing(Client("http://127.0.0.1:9")) as client:
        assert client.health() is None
        sent = send(client, Kind.OK)
    assert sent.exchange is not None
    assert sent.exchange.status is None
    assert "Connection refused" in sent.exchange.error


@pytest.mark.parametrize("header", ["", "x" * 32, "<script>", "0" * 31])
def test_an_id_that_is_none_is_not_taken(service: tuple[Service, Client], header: str) -> None:
    fake, client = service
    fake.app.view_functions["shop"] = lambda: Response("", 200, {TRACE_ID_HEADER: header})
    sent = send(client, Kind.OK)
    assert sent.exchange is not None
    assert (sent.exchange.trace_id, sent.was_sampled) == ("", None)
