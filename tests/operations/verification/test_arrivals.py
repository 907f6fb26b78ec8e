"""Each place is polled until it has every request, and what it has is compared with the id of the response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from flask_onetrace.contract import ACCESS_LOGGER
from operations.diagnosis.facts import Exchange
from operations.traces.deployment import AwsClients, Deployment
from operations.traces.document import Json, Place
from operations.traces.errors import ReadError
from operations.verification import arrivals
from operations.verification.arrivals import HONEYCOMB, MAX_ERRORS, Arrival, Search, State, is_complete, search
from operations.verification.kinds import Kind, Probe
from operations.verification.sending import ProbeResult
from tests.sample import names_of

TRACE_ID = "6b0c9784c338b87df32b35bd18a40b6f"
OTHER_ID = "6b0c97840279af0c73c64aac1e350a8b"


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Spans:
    """Honeycomb, which has `answers` one look after the other; the last one stays."""

    def __init__(self, *answers: Sequence[Json] | ReadError) -> None:
        self.answers = list(answers)
        self.looks = 0

    def spans(self, _trace_id: str) -> Sequence[Json]:
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ReadError):
            raise answer
        return answer

    def newest_spans(self, _limit: int) -> Sequence[Json]:
        return []

    def url(self, _trace_id: str) -> str | None:
        return None


def span(trace_id: str = TRACE_ID, kind: str = "server", **attributes: Any) -> Json:  # noqa: ANN401 - any JSON value
    return {"trace_id": trace_id, "kind": kind, "span_id": "1" * 16, "attributes": attributes}


def probe_result(kind: Kind = Kind.OK, span_id: str = "") -> ProbeResult:
    probe = Probe(kind=kind, path="/", status=200, trace_id=TRACE_ID, span_id=span_id)
    exchange = Exchange(
        kind=kind.value, path="/", expected_status=200, status=200, trace_id=TRACE_ID, received_at=1000.0
    )
    return ProbeResult(kind, probe, exchange)


def look_for(reader: Spans, *, wait: float = 10.0, is_fake: bool = True) -> tuple[Arrival, Clock]:
    clock, seen = Clock(), list[Arrival]()
    deployment = Deployment(
        names=names_of("dev"),
        region="eu-central-1",
        url="http://x",
        outputs={},
        aws=cast("AwsClients", None),
        has_console=not is_fake,
        honeycomb=reader,
    )
    [arrival] = search(
        Search(
            deployment=deployment,
            place=Place.HONEYCOMB,
            results=[probe_result()],
            wait=wait,
            progress=seen.append,
            sleep=clock.sleep,
            now=lambda: clock.time,
        )
    )
    assert seen == [arrival]
    return arrival, clock


def test_a_request_arrives_with_its_delay_its_id_and_its_sample_rate() -> None:
    arrival, clock = look_for(Spans([], [span(kind="client")], [span(SampleRate=20)]))
    assert (arrival.state, arrival.same_id, arrival.sample_rate) == (State.ARRIVED, True, 20.0)
    assert arrival.delay == pytest.approx(clock.time - 1000.0)


def test_honeycomb_itself_is_asked_ten_times_a_minute_at_most() -> None:
    reader = Spans([])
    arrival, clock = look_for(reader, wait=60, is_fake=False)
    assert arrival.state is State.MISSING
    assert 60 <= clock.time - 1000 < 60 + HONEYCOMB.again + arrivals.LONGEST_PAUSE
    assert reader.looks + len(Kind) - 1 <= 10  # the first look for each of the other requests


def test_another_id_is_seen() -> None:
    assert look_for(Spans([span(), span(OTHER_ID)]))[0].same_id is False


def test_what_does_not_arrive_is_missing_when_the_time_is_over() -> None:
    arrival, clock = look_for(Spans([]), wait=10)
    assert (arrival.state, arrival.delay) == (State.MISSING, None)
    assert 1010 <= clock.time < 1010 + arrivals.LONGEST_PAUSE


def test_a_place_that_cannot_be_read_is_not_checked_and_says_why() -> None:
    reader = Spans(ReadError("Honeycomb rejected the key (401)", "Set HONEYCOMB_CONFIGURATION_KEY"))
    arrival, _ = look_for(reader, wait=600)
    assert arrival.state is State.NOT_CHECKED
    assert arrival.note == "Honeycomb rejected the key (401). Set HONEYCOMB_CONFIGURATION_KEY"
    assert reader.looks == MAX_ERRORS


def test_a_place_that_fails_once_is_read_again() -> None:
    assert look_for(Spans(ReadError("no response", "Wait"), [span()]))[0].state is State.ARRIVED


@pytest.mark.parametrize(
    ("place", "items", "complete"),
    [
        (Place.CLOUDWATCH, [{"fields": {"logger": "shop"}}], False),
        (Place.CLOUDWATCH, [{"fields": {"logger": "shop"}}, {"fields": {"logger": ACCESS_LOGGER}}], True),
        (Place.XRAY, [], False),
        (Place.XRAY, [{"name": "shop"}], True),
        (Place.ROLLBAR, [{"custom": {}}], True),
        (Place.HONEYCOMB, [span(kind="internal")], False),
        (Place.HONEYCOMB, [span()], True),
    ],
)
def test_a_request_has_arrived_with_the_part_that_is_sent_last(
    place: Place,
    items: Sequence[Json],
    complete: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    assert is_complete(place, probe_result(), items) is complete


def test_the_browsers_request_has_arrived_with_the_browsers_span() -> None:
    browser = probe_result(Kind.BROWSER, "2" * 16)
    assert not is_complete(Place.HONEYCOMB, browser, [span()])
    assert is_complete(Place.HONEYCOMB, browser, [span(), {**span(kind="client"), "span_id": "2" * 16}])
