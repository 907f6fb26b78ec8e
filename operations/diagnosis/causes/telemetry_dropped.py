"""A sink loses items."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.traces.document import Place

CAUSE = Cause(
    title="Telemetry dropped",
    meaning="The service {lost} of its sink {sink} ({place}): {reason}",
    remedy="Correct what the reason names. A full queue means that {place} accepts less than the service produces:"
    " lower the sampling rule's rate, or find out why {place} is slow (docs/telemetry.md)",
    evidence="a log line `telemetry items dropped`, once a minute, with the metric of dropped telemetry and its alarm",
    example={
        "lost": "dropped 17 items",
        "sink": "honeycomb",
        "place": "Honeycomb",
        "reason": "the queue was full",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each sink that misses requests and reports lost items, or that every request is answered with an error."""
    for place in Place:
        symptom = Symptom(place.value)
        report = evidence.report(place) if symptom in evidence.symptoms else None
        if report is not None and report.kind != "sampling":
            lost = f"dropped {report.count} items" if report.kind == "dropped" else "cannot deliver items"
            yield CAUSE.diagnosis([symptom], lost=lost, sink=place.value, place=place.label, reason=report.reason)
