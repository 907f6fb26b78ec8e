"""What any sender stores is served as JSON, an error below /api/ is JSON, and the list survives what it cannot read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests

from local.console.app import create_app
from local.console.source import Source
from local.workspace.session import Session
from operations.errors import OperatorError
from operations.traces.deployment import Deployment
from operations.traces.index import RequestIndex
from tests.operations.traces.conftest import Places, emulated_aws, places
from tests.operations.traces.live import ALL, ProbeResult
from tests.operations.traces.values import nested

__all__ = ["emulated_aws", "places"]
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


class Up:
    """A deployment that is up."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def deployment(self) -> Deployment:
        return self._deployment

    def session(self) -> Session:
        raise OperatorError("Nothing is recorded", "Run make up")


class Api:
    """The console's API on the places."""

    def __init__(self, places: Places, source: Source) -> None:
        self.url = places.serve(create_app(source))
        self._client = places.client

    def send(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401 - those of requests
        return self._client.request(method, f"{self.url}/api{path}", timeout=60, **options)

    def traces(self, query: str = "") -> dict[str, Any]:
        response = self.send("GET", f"/traces{query}")
        assert response.status_code == 200, response.text
        listing: dict[str, Any] = response.json()
        return listing


@pytest.fixture
def api(places: Places) -> Iterator[Api]:
    with closing(Source(Up(places.deployment))) as source:
        yield Api(places, source)


def eventually_listed(api: Api, trace_id: str) -> None:
    deadline = time.monotonic() + 30
    while trace_id not in {each["trace_id"] for each in api.traces()["requests"]}:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_trace_that_no_encoder_could_write_is_listed_served_and_exported(places: Places, api: Api) -> None:
    sent = ProbeResult(status=500).to(places, "honeycomb", "rollbar")
    segment = sent.segment(places.deployment.names.xray_service) | {
        "annotations": {"a": "\ud800", "b": 10**400},
        "metadata": {"a": nested(190)},
        "user": "\ud800",
    }
    segment["http"]["response"]["status"] = 10**30
    places.deployment.aws.xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])
    line = json.loads(sent.line()[1]) | {"user_id": "\ud800", "n": 10**30, "deep": nested(800)}
    places.send_lines((sent.started, json.dumps(line)))

    eventually_listed(api, sent.trace_id)
    assert api.traces()["errors"] == []
    trace = api.send("GET", f"/traces/{sent.trace_id}")
    assert trace.status_code == 200
    assert all(each["items"] for each in trace.json()["places"].values())
    for form in ("xray", "otlp"):
        export = api.send("GET", f"/traces/{sent.trace_id}/{form}.json")
        assert export.status_code == 200
        assert api.send("POST", "/import", data=export.content).status_code == 200
    assert api.send("POST", "/import", data=trace.content).status_code == 200
    assert api.send("GET", "/attributes").status_code == 200


def test_a_refresh_that_fails_is_said_and_the_next_one_is_listed(
    places: Places, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ProbeResult(age=9).to(places, *ALL)
    eventually_listed(api, first.trace_id)

    def fail(_index: RequestIndex) -> bool:
        raise OverflowError("year 31690708 is out of range")

    with monkeypatch.context() as context:
        context.setattr(RequestIndex, "refresh", fail)
        deadline = time.monotonic() + 30
        while not (errors := api.traces()["errors"]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert errors[0]["error"] == "The list is out of date: OverflowError while it was refreshed"

    second = ProbeResult(age=1).to(places, *ALL)
    eventually_listed(api, second.trace_id)
    assert api.traces()["errors"] == []


@pytest.mark.parametrize("limit", ["-5", "0", "x", "", "1e3", "9" * 30])
def test_any_limit_is_clamped(places: Places, api: Api, limit: str) -> None:
    sent = ProbeResult().to(places, "cloudwatch")
    eventually_listed(api, sent.trace_id)
    assert [each["trace_id"] for each in api.traces(f"?limit={limit}")["requests"]] == [sent.trace_id]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", b"", 404),
        ("DELETE", "/traces/x", b"", 405),
        ("POST", "/import", b" " * (17 * 1024 * 1024), 413),
        ("POST", "/import", b'{"a": ' * 100_000, 422),
        ("POST", "/stack/queries", b"[" * 200_000, 422),
        ("GET", "/traces/\ud83d", b"", 422),
    ],
    ids=["not found", "method", "large", "deep import", "deep query", "surrogate"],
)  # fmt: skip
def test_an_error_is_json_with_a_remedy(api: Api, method: str, path: str, body: bytes, status: int) -> None:
    quoted = path.replace("\ud83d", "%ED%A0%BD")
    response = api.send(method, quoted, data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert set(response.json()) == {"error", "remedy"}


def test_an_unexpected_failure_is_json_with_a_remedy(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_source: Source) -> None:
        raise KeyError("a")

    monkeypatch.setattr(Source, "describe", fail)
    response = api.send("GET", "/deployment")
    assert (response.status_code, set(response.json())) == (500, {"error", "remedy"})
