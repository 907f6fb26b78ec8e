"""Why a place has nothing: each reason, by what a deployed environment shows too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from operations.traces.document import Absence, Place, Reason
from operations.traces.find import find_trace
from tests.operations.traces.conftest import Places
from tests.operations.traces.live import ALL, ProbeResult

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
OLD = 300.0
"""Seconds after which nothing arrives any more."""


def absence(places: Places, sent: ProbeResult, place: Place) -> Absence:
    absent = find_trace(places.deployment, sent.trace_id).places[place].absence
    assert absent is not None
    return absent


def report(places: Places, message: str, *, at: float, logger: str = "flask_onetrace.telemetry.export.retry") -> None:
    places.send_lines((at, json.dumps({"level": "ERROR", "logger": logger, "message": message})))


def test_a_request_that_did_not_fail_has_no_item(places: Places) -> None:
    sent = ProbeResult(age=OLD).to(places, "honeycomb", "xray", "cloudwatch")

    assert absence(places, sent, Place.ROLLBAR) == Absence(
        Reason.NO_ERROR, "The request did not fail: Rollbar gets errors only."
    )


def test_a_request_that_did_not_fail_has_no_item_whatever_the_sink(places: Places) -> None:
    places.sinks["rollbar"] = {"on": False, "because": "ROLLBAR_ACCESS_TOKEN is not set"}
    sent = ProbeResult(age=OLD).to(places, "honeycomb", "xray", "cloudwatch")
    failed = ProbeResult(age=OLD, status=500).to(places, "honeycomb", "xray", "cloudwatch")

    assert absence(places, sent, Place.ROLLBAR).reason is Reason.NO_ERROR
    assert absence(places, failed, Place.ROLLBAR).reason is Reason.SINK_OFF


def test_honeycomb_that_gets_everything_is_not_said_to_be_sampled(places: Places) -> None:
    container = {
        "name": "backend-flask",
        "image": "none",
        "environment": [{"name": "HONEYCOMB_KEEP_EVERYTHING", "value": "true"}],
    }
    ecs = places.deployment.aws.ecs
    registered = ecs.register_task_definition(family=places.group, containerDefinitions=[container])  # type: ignore[list-item] # a literal of the stubs'
    outputs = {**places.deployment.outputs, "TaskDefinition": registered["taskDefinition"]["taskDefinitionArn"]}
    sent = ProbeResult(age=OLD, sampled=False).to(places, "cloudwatch")

    found = find_trace(replace(places.deployment, outputs=outputs), sent.trace_id).places

    reasons = [found[place].absence for place in (Place.HONEYCOMB, Place.XRAY)]
    assert [each and each.reason for each in reasons] == [Reason.UNEXPLAINED, Reason.NOT_SAMPLED]


def test_a_health_check_that_did_not_fail_has_no_line(places: Places) -> None:
    sent = ProbeResult(age=OLD, path="/api/health-check").to(places, "honeycomb", "xray")

    assert absence(places, sent, Place.CLOUDWATCH) == Absence(
        Reason.NO_ERROR, "A health check writes a line only if it fails."
    )


def test_the_rule_that_did_not_sample_a_request_is_named_as_x_ray_tries_them(places: Places) -> None:
    xray, service = places.deployment.aws.xray, places.deployment.names.xray_service
    rules = [
        ("Last", 300, "*", "*", 1.0),
        ("Orders", 100, service, "/orders/*", 0.05),
        ("Other", 50, "another", "*", 0.5),
    ]
    for name, priority, service_name, path, rate in rules:
        xray.create_sampling_rule(
            SamplingRule={
                "RuleName": name,
                "Priority": priority,
                "ServiceName": service_name,
                "URLPath": path,
                "FixedRate": rate,
                "ReservoirSize": 2,
                "ResourceARN": "*",
                "ServiceType": "*",
                "Host": "*",
                "HTTPMethod": "*",
                "Version": 1,
            }
        )
    try:
        sent = ProbeResult(age=OLD, sampled=False).to(places, "cloudwatch")
        for place in (Place.HONEYCOMB, Place.XRAY):
            assert absence(places, sent, place) == Absence(
                Reason.NOT_SAMPLED,
                "The request was not sampled, by the sampling rule Orders (5 % of the requests, after the first 2 a"
                " second).",
                "Raise the rate of Orders, or send more requests",
            )
    finally:
        for name, *_ in rules:
            xray.delete_sampling_rule(RuleName=name)


def test_the_default_rule_is_named_as_such(places: Places) -> None:
    sent = ProbeResult(age=OLD, sampled=False).to(places, "cloudwatch")

    message = absence(places, sent, Place.XRAY).message

    assert message.endswith("It applies because no rule of the service matches the request.")


@dataclass(frozen=True)
class Case:
    """What the health check or the log group says of Honeycomb's sink, and the reason that follows."""

    reason: Reason
    message: str
    prepare: Callable[[Places, float], object]
    remedy: str = ""


CASES = {
    "off": Case(
        Reason.SINK_OFF,
        "The sink of Honeycomb is off: OTEL_SDK_DISABLED is true.",
        lambda places, _: places.sinks.update(honeycomb={"on": False, "because": "OTEL_SDK_DISABLED is true"}),
    ),
    "placeholder": Case(
        Reason.PLACEHOLDER_KEY,
        "The sink of Honeycomb is off: HONEYCOMB_API_KEY still holds its placeholder: run `make secrets`.",
        lambda places, _: places.sinks.update(
            honeycomb={"on": False, "because": "HONEYCOMB_API_KEY still holds its placeholder: run `make secrets`"}
        ),
        "Store HONEYCOMB_API_KEY: make secrets ENV=t",
    ),
    "unauthorized": Case(
        Reason.UNAUTHORIZED,
        "Honeycomb rejected the service's credentials: 401 unknown API key.",
        lambda places, at: report(
            places,
            "honeycomb rejected our credentials; export suspended, retrying every 300 s: 401 unknown API key",
            at=at - 3600,
        ),
        "Check HONEYCOMB_API_KEY",
    ),
    "unreachable": Case(
        Reason.UNREACHABLE,
        "Honeycomb accepts nothing from the service, which retries: connection refused.",
        lambda places, at: report(
            places, "honeycomb has accepted nothing for 12 s, retrying: connection refused", at=at + 5
        ),
    ),
    "dropped": Case(
        Reason.DROPPED,
        "The service has dropped telemetry for Honeycomb since: the queue is full.",
        lambda places, at: report(
            places, "honeycomb: 12 telemetry items dropped, 40 since start: the queue is full", at=at + 60
        ),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_state_of_the_sink_is_the_reason(places: Places, case: Case) -> None:
    sent = ProbeResult(age=OLD).to(places, "xray", "cloudwatch")
    case.prepare(places, sent.started)

    absent = absence(places, sent, Place.HONEYCOMB)

    assert (absent.reason, absent.message) == (case.reason, case.message)
    assert absent.remedy
    assert case.remedy in absent.remedy


@pytest.mark.parametrize(
    "reports",
    [
        [
            "honeycomb rejected our credentials; export suspended: x: y",
            "honeycomb accepted our credentials; export resumed",
        ],
        ["honeycomb has accepted nothing for 12 s, retrying: x", "honeycomb responds again"],
        ["rollbar rejected our credentials; export suspended: x: y"],
        ["honeycomb-like rejected our credentials; export suspended: x: y"],
    ],
)
def test_what_has_ended_or_is_of_another_sink_is_no_reason(places: Places, reports: list[str]) -> None:
    sent = ProbeResult(age=OLD).to(places, "xray", "cloudwatch")
    for offset, message in enumerate(reports):
        report(places, message, at=sent.started - 100 + offset)

    assert absence(places, sent, Place.HONEYCOMB).reason is Reason.UNEXPLAINED


def test_an_application_cannot_make_a_report_up(places: Places) -> None:
    sent = ProbeResult(age=OLD).to(places, "xray", "cloudwatch")
    report(places, "honeycomb rejected our credentials; x: y", at=sent.started, logger="shop.orders")

    assert absence(places, sent, Place.HONEYCOMB).reason is Reason.UNEXPLAINED


def test_with_transaction_search_a_trace_may_not_be_indexed(places: Places) -> None:
    sent = ProbeResult(age=OLD).to(places, "cloudwatch")
    xray = places.deployment.aws.xray
    xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    try:
        absent = absence(places, sent, Place.XRAY)
    finally:
        xray.update_trace_segment_destination(Destination="XRay")

    assert absent == Absence(
        Reason.NOT_READABLE,
        "Transaction Search is on, so X-Ray has the indexed share of the traces only.",
        "Search the log group aws/spans for the trace id",
    )


def test_a_young_trace_may_be_on_its_way_or_queued(places: Places) -> None:
    sent = ProbeResult(age=5).to(places, "cloudwatch")
    assert absence(places, sent, Place.XRAY).reason is Reason.NOT_YET_ARRIVED

    places.sinks["xray"] = {"on": True, "queued": 7}
    assert absence(places, sent, Place.XRAY) == Absence(
        Reason.QUEUED, "The service has 7 items queued for X-Ray.", "Look again in some seconds"
    )


def test_an_id_that_no_place_knows_is_named_as_such(places: Places) -> None:
    reasons = {each.absence and each.absence.reason for each in find_trace(places.deployment, "1" * 32).places.values()}

    assert reasons == {Reason.UNKNOWN_TRACE}


def test_without_a_key_the_variable_to_set_is_named(places: Places) -> None:
    sent = ProbeResult(age=OLD, status=500).to(places, *ALL)
    deployment = replace(places.deployment, honeycomb=None, rollbar=None)

    found = find_trace(deployment, sent.trace_id).places

    for place, variable in ((Place.HONEYCOMB, "HONEYCOMB_CONFIGURATION_KEY"), (Place.ROLLBAR, "ROLLBAR_READ_TOKEN")):
        absent = found[place].absence
        assert absent is not None
        assert absent.reason is Reason.NOT_READABLE
        assert variable in absent.message
        assert variable in (absent.remedy or "")


def test_without_a_service_that_responds_the_other_reasons_are_still_given(places: Places) -> None:
    sent = ProbeResult(age=OLD).to(places, "honeycomb", "xray", "cloudwatch")
    deployment = replace(places.deployment, url="http://127.0.0.1:1")

    absent = find_trace(deployment, sent.trace_id).places[Place.ROLLBAR].absence

    assert absent is not None
    assert absent.reason is Reason.NO_ERROR


def test_a_trace_that_starts_in_the_future_is_not_young(places: Places) -> None:
    sent = ProbeResult(age=-3600)

    assert absence(places, sent, Place.XRAY).reason is Reason.UNKNOWN_TRACE
    assert sent.started > time.time()
