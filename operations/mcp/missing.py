"""Explain why a place has nothing of a trace: by the trace alone, else by the causes that the deployment shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from operations.diagnosis.diagnosis import diagnose
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Exchange, Missing, Observed
from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place, Reason, Request, Trace
from operations.verification.sending import Client

NEEDS_NO_CAUSE: Final = frozenset({Reason.NO_ERROR, Reason.NOT_YET_ARRIVED, Reason.QUEUED, Reason.UNKNOWN_TRACE})
"""Nothing is wrong, or nothing is known to be."""
KIND: Final = "request"


def explain(deployment: Deployment, trace: Trace, place: Place | None) -> Json:
    """Return what each place, or one, has of the trace, why it has nothing, and the causes of that."""
    places = [each for each in Place if place in (None, each)]
    absences = {each: trace.places[each].absence for each in places}
    document: Json = {
        "trace_id": trace.trace_id,
        "places": {
            each.value: {
                "items": len(trace.places[each].items),
                "absence": None if (absence := absences[each]) is None else asdict(absence),
            }
            for each in places
        },
        "causes": [],
        "unchecked": [],
    }
    missing = [each for each, absence in absences.items() if absence and absence.reason not in NEEDS_NO_CAUSE]
    if trace.request is None or not missing:
        return document
    evidence = Evidence(deployment, _observed(deployment, trace, trace.request, missing))
    causes = [each for each in diagnose(evidence) if not each.explains.isdisjoint(missing)]
    return document | {"causes": [each.as_json() for each in causes], "unchecked": evidence.calls.unchecked}


def _observed(deployment: Deployment, trace: Trace, request: Request, missing: list[Place]) -> Observed:
    """Return the trace as `make verify` would have seen it, had it sent the request."""
    client = Client(deployment.url)
    try:
        health = client.health()
    finally:
        client.close()
    status = request.status or 200
    exchange = Exchange(
        kind=KIND,
        method=request.method or "GET",
        path=request.path or "/",
        expected_status=status,
        status=status,
        trace_id=trace.trace_id,
        sent_at=request.started,
        received_at=request.started + (request.duration_ms or 0.0) / 1000,
    )
    return Observed(
        url=deployment.url,
        exchanges=[exchange],
        missing={place: [Missing(kind=KIND, trace_id=trace.trace_id)] for place in missing},
        arrived={place: content.items for place, content in trace.places.items() if content.items},
        sampled={} if request.sampled is None else {trace.trace_id: request.sampled},
        health=health,
    )
