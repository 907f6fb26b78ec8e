"""A sink rejects its key."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sinks import KEYS, is_refused

CAUSE = Cause(
    title="Key refused",
    meaning="{place} rejects {variable}: {reason}",
    remedy="Store a key that is valid there, and replace the tasks: `{secrets}`. A rejected key is revoked,"
    " mistyped, of another kind than this sink needs ({kind}), or of the product's other region (US or EU)",
    evidence="a log line `rejected our credentials` with 401 or 403, and the alarm of dropped telemetry",
    example={
        "place": "Honeycomb",
        "variable": "HONEYCOMB_API_KEY",
        "reason": "https://api.honeycomb.io/v1/traces answered 401",
        "secrets": "make secrets ENV=dev",
        "kind": "an ingest key",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each sink that misses requests and reports a 401 or 403."""
    for sink, key in KEYS.items():
        report = evidence.report(sink) if key.symptom in evidence.symptoms else None
        if report is not None and is_refused(report):
            yield CAUSE.diagnosis(
                [key.symptom],
                place=key.place.label,
                variable=key.variable,
                reason=report.reason.partition(": check ")[0],
                secrets=evidence.command("secrets"),
                kind=key.kind,
            )
