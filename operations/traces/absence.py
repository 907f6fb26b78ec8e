"""Explain why a place has nothing of a trace, by what a deployed environment shows too.

That is the other places, the health check, the warnings of the service in its log group and in the containers' output,
and X-Ray's sampling rules. What cannot be read explains nothing, and the next reason is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlsplit

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE, RUNTIME_HEALTH_CHECK_PATH, Variable
from infra.verify_policy import SPANS_LOG_GROUP
from operations.traces import sampling, trace_ids
from operations.traces.deployment import Deployment
from operations.traces.document import Absence, Place, Reason, Request
from operations.traces.places import xray
from operations.traces.places.honeycomb import READ_KEY
from operations.traces.places.rollbar import READ_TOKEN, TOKEN_VARIABLE
from operations.traces.reading import Reading
from operations.traces.reports import DROPPED, RECOVERED, SAMPLING, UNAUTHORIZED, UNREACHABLE, Report, reports
from operations.traces.sink_status import Health, containers, problems, read_health

Value = TypeVar("Value")

ARRIVAL_SECONDS: Final = 60.0
"""How long telemetry may take to arrive: seconds as a rule, longer where an export was retried."""
_LOOK_BACK: Final = 3 * 3600.0
"""Seconds before a trace in which the service may have reported what was still so: some is reported once."""
_LOOK_AHEAD: Final = 900.0
"""Seconds after a trace in which it may have reported that the trace's items were lost."""
_KEY_OF: Final = {Place.HONEYCOMB: Variable.HONEYCOMB_API_KEY, Place.ROLLBAR: Variable.ROLLBAR_ACCESS_TOKEN}
_SAMPLED_PLACES: Final = (Place.HONEYCOMB, Place.XRAY)
_MAX_REASON: Final = 300


def explain(deployment: Deployment, reading: Reading, request: Request | None, now: float) -> dict[Place, Absence]:
    """Return why each place that has nothing of the trace has nothing; `now` is in seconds since the epoch."""
    evidence = _Evidence(deployment, reading, request, now)
    return {place: _absence(evidence, place) for place in Place if not reading.items[place]}


@dataclass
class _Evidence:
    """What is known of the trace. Each fact about the deployment is read once, when it is needed."""

    deployment: Deployment
    reading: Reading
    request: Request | None
    now: float

    @property
    def started(self) -> float | None:
        """The start of the trace in seconds since the epoch, None where it is not known."""
        return self.request.started if self.request is not None else trace_ids.started(self.reading.trace_id)

    @property
    def is_young(self) -> bool:
        """Whether its telemetry may still be on its way."""
        return self.started is not None and -ARRIVAL_SECONDS < self.now - self.started < ARRIVAL_SECONDS

    @cached_property
    def health(self) -> Health | None:
        """The health check's response."""
        return _or_none(lambda: read_health(self.deployment.url))

    def reports_of(self, place: Place) -> Sequence[Report]:
        """Return what the service has reported about a place's sink around the trace, the oldest first."""
        return [each for each in self._reports if each.sink == place and each.kind != SAMPLING]

    @cached_property
    def _reports(self) -> Sequence[Report]:
        started = self.started or self.now
        lines = _or_none(lambda: problems(self.deployment, started - _LOOK_BACK)) or ()
        events = ((each.timestamp / 1000, each.message) for each in lines)
        return [each for each in reports(events) if each.at <= started + _LOOK_AHEAD]

    @property
    def has_transaction_search(self) -> bool:
        """Whether X-Ray sends segments to CloudWatch Logs, and indexes a share of them."""
        return bool(_or_none(lambda: xray.is_transaction_search_on(self.deployment)))

    @cached_property
    def keeps_everything(self) -> bool:
        """Whether Honeycomb gets the requests too that are not sampled."""
        definitions = _or_none(lambda: containers(self.deployment)) or ()
        values = [pair for each in definitions for pair in each.get("environment", ())]
        return {"name": Variable.HONEYCOMB_KEEP_EVERYTHING, "value": "true"} in values

    @cached_property
    def rule(self) -> sampling.Rule | None:
        """The sampling rule of the request."""
        request = self.request
        if request is None:
            return None
        return sampling.rule_of(
            _or_none(lambda: sampling.rules(self.deployment)) or (),
            service=self.deployment.names.xray_service,
            host=urlsplit(self.deployment.url).netloc,
            method=request.method or "",
            path=request.path or "",
        )


def _absence(evidence: _Evidence, place: Place) -> Absence:
    for reason in (_unreadable, _no_error, _off, _not_sampled, _reported, _on_its_way, _not_indexed):
        if (absence := reason(evidence, place)) is not None:
            return absence
    if evidence.request is None:
        return Absence(
            Reason.UNKNOWN_TRACE,
            "No place has anything of this id: it is mistyped, of another environment, or has expired.",
            "Copy the id from the header X-Trace-Id of a response of this environment",
        )
    return Absence(
        Reason.UNEXPLAINED,
        f"Nothing has arrived in {place.label}, and the service reports no problem with it.",
        "Run make verify, which looks for the cause",
    )


def _unreadable(evidence: _Evidence, place: Place) -> Absence | None:
    if (error := evidence.reading.errors.get(place)) is not None:
        return Absence(Reason.NOT_READABLE, f"{error.problem}.", error.remedy)
    if place is Place.HONEYCOMB and evidence.deployment.honeycomb is None:
        message = f"{CONFIGURATION_KEY_VARIABLE} is not set, so Honeycomb cannot be read."
        return Absence(Reason.NOT_READABLE, message, f"Set {CONFIGURATION_KEY_VARIABLE} to {READ_KEY}")
    if place is Place.ROLLBAR and evidence.deployment.rollbar is None:
        message = f"{TOKEN_VARIABLE} is not set, so Rollbar cannot be read."
        return Absence(Reason.NOT_READABLE, message, f"Set {TOKEN_VARIABLE} to {READ_TOKEN}")
    return None


def _off(evidence: _Evidence, place: Place) -> Absence | None:
    status = evidence.health.of_place(place) if evidence.health is not None else None
    if status is None or status.on:
        return None
    because = status.because or "the health check does not say why"
    message = f"The sink of {place.label} is off: {because}."
    if "placeholder" in because:
        command = f"make secrets ENV={evidence.deployment.names.environment}"
        return Absence(Reason.PLACEHOLDER_KEY, message, f"Store {_KEY_OF.get(place, 'the key')}: {command}")
    return Absence(Reason.SINK_OFF, message, "Set that variable of the task, and deploy")


def _no_error(evidence: _Evidence, place: Place) -> Absence | None:
    request = evidence.request
    if request is None:
        return None
    health_checks = (RUNTIME_HEALTH_CHECK_PATH, evidence.deployment.names.application.health_check_path)
    if place is Place.CLOUDWATCH and request.path in health_checks and (request.status or 0) < HTTPStatus.BAD_REQUEST:
        return Absence(Reason.NO_ERROR, "A health check writes a line only if it fails.")
    if place is not Place.ROLLBAR:
        return None
    has_failed = request.exception is not None or (request.status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    return None if has_failed else Absence(Reason.NO_ERROR, "The request did not fail: Rollbar gets errors only.")


def _not_sampled(evidence: _Evidence, place: Place) -> Absence | None:
    if place not in _SAMPLED_PLACES or evidence.request is None or evidence.request.sampled is not False:
        return None
    if place is Place.HONEYCOMB and evidence.keeps_everything:
        return None
    rule = evidence.rule
    if rule is None:
        return Absence(Reason.NOT_SAMPLED, "The request was not sampled.", "Look at X-Ray's sampling rules")
    message = f"The request was not sampled, by the sampling rule {rule}."
    if rule.name == sampling.DEFAULT_RULE:
        message += " It applies because no rule of the service matches the request."
    more = ", or send more requests" if rule.fixed_rate or rule.reservoir else ": it samples none"
    return Absence(Reason.NOT_SAMPLED, message, f"Raise the rate of {rule.name}{more}")


def _reported(evidence: _Evidence, place: Place) -> Absence | None:
    """Return what the service has reported of the place's sink."""
    status = evidence.health.of_place(place) if evidence.health is not None else None
    unauthorized = status.detail.get("unauthorized") if status is not None else None
    unauthorized = unauthorized or _lasting(evidence, place, UNAUTHORIZED)
    if unauthorized:
        remedy = f"Check {_KEY_OF.get(place, 'the permissions of the task role')}"
        return Absence(
            Reason.UNAUTHORIZED, f"{place.label} rejected the service's credentials: {unauthorized}.", remedy
        )
    if unreachable := _lasting(evidence, place, UNREACHABLE):
        message = f"{place.label} accepts nothing from the service, which retries: {unreachable}."
        return Absence(Reason.UNREACHABLE, message, "Check the sink's address, and the task's way to it")
    dropped = [
        each.reason
        for each in evidence.reports_of(place)
        if each.kind == DROPPED and each.at >= (evidence.started or 0.0)
    ]
    if dropped:
        message = f"The service has dropped telemetry for {place.label} since: {_reason(dropped[0])}."
        return Absence(Reason.DROPPED, message, "See docs/outages.md for what is dropped when")
    return None


def _on_its_way(evidence: _Evidence, place: Place) -> Absence | None:
    if not evidence.is_young:
        return None
    status = evidence.health.of_place(place) if evidence.health is not None else None
    if status is not None and status.detail.get("queued"):
        message = f"The service has {status.detail['queued']} items queued for {place.label}."
        return Absence(Reason.QUEUED, message, "Look again in some seconds")
    age = evidence.now - (evidence.started or 0.0)
    message = f"The trace is {max(age, 0.0):.0f} s old: its telemetry may still be on its way."
    return Absence(Reason.NOT_YET_ARRIVED, message, "Look again in some seconds")


def _not_indexed(evidence: _Evidence, place: Place) -> Absence | None:
    if place is not Place.XRAY or evidence.request is None or not evidence.has_transaction_search:
        return None
    message = "Transaction Search is on, so X-Ray has the indexed share of the traces only."
    return Absence(Reason.NOT_READABLE, message, f"Search the log group {SPANS_LOG_GROUP} for the trace id")


def _lasting(evidence: _Evidence, place: Place, kind: str) -> str | None:
    """Return the reason of the last report of that kind, None where the sink has recovered since."""
    newest = next((each for each in reversed(evidence.reports_of(place)) if each.kind in (kind, RECOVERED)), None)
    return None if newest is None or newest.kind == RECOVERED else _reason(newest.reason)


def _reason(text: str) -> str:
    return " ".join(text.split())[:_MAX_REASON].rstrip(".")


def _or_none(read: Callable[[], Value]) -> Value | None:
    try:
        return read()
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it explains nothing
        return None
