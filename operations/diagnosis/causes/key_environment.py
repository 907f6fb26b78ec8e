"""The key is valid, and belongs to another environment or project than the one that is looked into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sinks import KEYS

CAUSE = Cause(
    title="Key of another environment",
    meaning="{place} accepts what the service sends (it is on, and reports no rejected, failing or dropped item), and"
    " the {unit} of {reader} has none of it: {variable} is a key of another {unit}",
    remedy="Store a key of the {unit} that {reader} reads, and replace the tasks: `{secrets}`. Or set {reader} to a"
    " key of the {unit} that {variable} belongs to",
    evidence="nothing is wrong in the service's log lines, and requests are found in the product under another"
    " environment or project",
    example={
        "place": "Honeycomb",
        "unit": "environment",
        "reader": "HONEYCOMB_CONFIGURATION_KEY",
        "variable": "HONEYCOMB_API_KEY",
        "secrets": "make secrets ENV=dev",
    },
)

REPORTED: Final = 13.0
"""Seconds: a request times out after 8, what fails is reported after 3, and the line arrives a second or two later."""


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each sink that misses every request of its own and nothing else, though nothing went wrong on the way.

    That nothing went wrong is known only while the service's own lines arrive, and once it would have reported a host
    that does not respond.
    """
    if Symptom.CLOUDWATCH in evidence.symptoms or not evidence.has_log_lines or evidence.waited < REPORTED:
        return
    for sink, key in KEYS.items():
        is_on = evidence.observed.sink(sink).get("on") is True
        has_nothing = key.symptom in evidence.symptoms and not evidence.observed.arrived.get(key.place)
        if is_on and has_nothing and evidence.report(sink) is None:
            yield CAUSE.diagnosis(
                [key.symptom],
                place=key.place.label,
                unit=key.unit,
                reader=key.reader,
                variable=key.variable,
                secrets=evidence.command("secrets"),
            )
