"""Each reader reads its place, over real sockets, and says what to do where it cannot."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flask_onetrace.telemetry.config import Secret
from operations.errors import OperatorError
from operations.honeycomb.client import HoneycombClient
from operations.traces.document import Place, Reason
from operations.traces.errors import ReadError
from operations.traces.find import find_trace
from operations.traces.places import rollbar
from operations.traces.places.honeycomb import HoneycombReader
from operations.traces.places.rollbar import RollbarReader
from operations.traces.trace_ids import parse_trace_id
from tests.operations.traces.conftest import KEY, Places
from tests.operations.traces.examples import TRACE, XRAY
from tests.operations.traces.live import ALL, ProbeResult

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def api_reader(places: Places, key: str = KEY) -> HoneycombReader:
    """Return the reader of a deployed environment, for the fake's Query Data API."""
    client = HoneycombClient(places.client, places.honeycomb_url, Secret(key), lambda _: None)
    return HoneycombReader(client, "backend-flask", sleep=lambda _: None)


def test_all_four_places_are_read(places: Places) -> None:
    sent = ProbeResult(status=500).to(places, *ALL)

    trace = find_trace(places.deployment, sent.trace_id)

    assert {place: len(content.items) for place, content in trace.places.items()} == dict.fromkeys(Place, 1)
    assert [each.absence for each in trace.places.values()] == [None] * 4
    assert trace.places[Place.HONEYCOMB].items == [sent.span()]
    assert trace.places[Place.XRAY].items == [sent.segment(places.deployment.names.xray_service)]
    assert trace.places[Place.CLOUDWATCH].items[0]["message"] == sent.line()[1]
    assert trace.places[Place.ROLLBAR].items[0] == {**sent.item(), "uuid": trace.places[Place.ROLLBAR].items[0]["uuid"]}
    request = trace.request
    assert request is not None
    assert request.as_json() == {
        "trace_id": sent.trace_id,
        "started": pytest.approx(sent.started, abs=1e-3),
        "method": "GET",
        "route": "/orders/7",
        "path": "/orders/7",
        "status": 500,
        "user": "bob",
        "duration_ms": 20.0,
        "sampled": True,
        "sample_rate": 1.0,
        "exception": "KeyError",
        "places": list(Place),
    }


def test_the_urls_open_the_trace_in_each_product(places: Places) -> None:
    sent = ProbeResult(status=500).to(places, *ALL)
    deployment = replace(places.deployment, honeycomb=api_reader(places))

    urls = {place: content.url or "" for place, content in find_trace(deployment, sent.trace_id).places.items()}

    assert f"/local/environments/local/datasets/backend-flask/trace?trace_id={sent.trace_id}" in urls[Place.HONEYCOMB]
    assert urls[Place.XRAY].endswith(f"#xray:traces/{sent.xray_id}")
    assert sent.trace_id in urls[Place.CLOUDWATCH]
    assert urls[Place.ROLLBAR].startswith("https://rollbar.com/instance/uuid?uuid=")


def test_the_query_data_api_returns_the_spans_as_they_were_sent(places: Places) -> None:
    sent = ProbeResult(status=500).to(places, "honeycomb")
    child = {**sent.span(), "span_id": "c" * 16, "parent_span_id": sent.span_id, "kind": "client", "name": "SELECT"}
    child["start_ns"] += 1_000_000
    places.send_spans({**child, "attributes": {"db.system.name": "postgresql"}, "events": []})
    ProbeResult(status=200).to(places, "honeycomb")

    root, query = api_reader(places).spans(sent.trace_id)

    assert (root["name"], query["name"], query["parent_span_id"]) == ("GET /orders/7", "SELECT", sent.span_id)
    # Honeycomb's times are floats of seconds, which carry microseconds.
    assert abs(root["start_ns"] - sent.span()["start_ns"]) < 1000
    assert root["end_ns"] - root["start_ns"] == 20_000_000
    for name in ("attributes", "kind", "resource", "scope", "status", "trace_id"):
        assert root[name] == sent.span()[name], name
    assert [(each["name"], each["attributes"]) for each in root["events"]] == [
        ("exception", {"exception.type": "KeyError"})
    ]
    assert query["attributes"] == {"db.system.name": "postgresql"}


def test_the_query_data_api_returns_the_newest_requests_first(places: Places) -> None:
    sent = [ProbeResult(age=age).to(places, "honeycomb") for age in (30, 20, 10)]

    spans = api_reader(places).newest_spans(2)

    assert [each["trace_id"] for each in spans] == [sent[2].trace_id, sent[1].trace_id]


def test_a_rejected_configuration_key_is_named_and_not_shown(places: Places) -> None:
    places.settings(places.honeycomb_url, accepted_read_keys=["another"])

    with pytest.raises(ReadError) as error:
        api_reader(places).spans(TRACE)

    assert "401" in str(error.value)
    assert "HONEYCOMB_CONFIGURATION_KEY" in error.value.remedy
    assert KEY not in str(error.value)


def test_a_rejected_token_of_rollbar_is_named(places: Places) -> None:
    places.settings(places.rollbar_url, accepted_read_keys=["another"])

    with pytest.raises(ReadError, match="Rollbar rejected the token") as error:
        places.rollbar_reader.items(TRACE)
    assert "ROLLBAR_READ_TOKEN" in error.value.remedy


@pytest.mark.parametrize("mode", ["unavailable", "reject"])
def test_a_place_that_fails_is_an_absence_and_the_others_are_read(places: Places, mode: str) -> None:
    sent = ProbeResult(status=500).to(places, *ALL)
    places.settings(places.rollbar_url, mode=mode)

    trace = find_trace(places.deployment, sent.trace_id)

    absence = trace.places[Place.ROLLBAR].absence
    assert absence is not None
    assert absence.reason is Reason.NOT_READABLE
    assert [len(each.items) for each in trace.places.values()] == [1, 1, 1, 0]


def test_a_log_group_that_is_gone_is_an_absence(places: Places) -> None:
    sent = ProbeResult(status=500).to(places, *ALL)
    places.deployment.aws.logs.delete_log_group(logGroupName=places.group)

    absence = find_trace(places.deployment, sent.trace_id).places[Place.CLOUDWATCH].absence

    assert absence is not None
    assert (absence.reason, places.group in absence.message) == (Reason.NOT_READABLE, True)


def test_the_pages_of_rollbar_are_read_until_the_trace(places: Places) -> None:
    sent = ProbeResult(age=1000, status=500).to(places, "rollbar")
    places.send_items(*(ProbeResult(status=500).item() for _ in range(45)))

    assert [rollbar.trace_id_of(each) for each in places.rollbar_reader.items(sent.trace_id)] == [sent.trace_id]
    assert len(places.rollbar_reader.newest_items(30)) == 30
    reader = RollbarReader(places.client, f"{places.rollbar_url}/api/1/", Secret("t"), max_pages=2)
    with pytest.raises(ReadError, match="newest 40 occurrences are all newer than the trace"):
        reader.items(sent.trace_id)


def test_a_log_line_of_any_text_is_read(places: Places) -> None:
    sent = ProbeResult()
    texts = [
        f"{sent.trace_id} no json",
        f'{{"trace_id": "{sent.trace_id}"',
        f'["{sent.trace_id}"]',
        f'"{sent.trace_id}"',
    ]
    places.send_lines(*((sent.started + index, text) for index, text in enumerate(texts)))

    lines = find_trace(places.deployment, sent.trace_id).places[Place.CLOUDWATCH].items

    assert [(each["message"], each["fields"]) for each in lines] == [(text, {}) for text in texts]


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE.upper(),
        f" {TRACE}\n",
        XRAY,
        f"Root={XRAY};Parent=1570ffb3d89e269a;Sampled=1",
        f"00-{TRACE}-1570ffb3d89e269a-01",
    ],
)
def test_a_trace_id_is_read_in_each_form(text: str) -> None:
    assert parse_trace_id(text) == TRACE


@pytest.mark.parametrize("text", ["", "0" * 32, TRACE[1:], f"{TRACE}0", "1-2-3", "x" * 1000, f"00-{TRACE}", "٣" * 32])
def test_another_text_is_no_trace_id(text: str, places: Places) -> None:
    with pytest.raises(OperatorError, match="which is no trace id"):
        find_trace(places.deployment, text)


def test_another_request_that_takes_the_trace_id_does_not_describe_it(places: Places) -> None:
    sent = ProbeResult(status=500).to(places, *ALL)
    other = json.loads(sent.line()[1]) | {
        "span_id": "9" * 16,
        "path": "/other",
        "user_id": "mallory",
        "duration_ms": 1e5,
    }
    places.send_lines((sent.started, json.dumps(other)))

    request = find_trace(places.deployment, sent.trace_id).request

    assert request is not None
    assert (request.path, request.user, request.duration_ms) == ("/orders/7", "bob", 20.0)


def test_a_log_group_that_does_not_exist_is_said_to_be_missing(places: Places) -> None:
    sent = ProbeResult().to(places, *ALL)
    places.deployment.aws.logs.delete_log_group(logGroupName=places.group)

    absence = find_trace(places.deployment, sent.trace_id).places[Place.CLOUDWATCH].absence

    assert absence is not None
    assert absence.message == f"The log group {places.group} does not exist."
    assert absence.remedy == "Run make verify, which says how to create it again"
