"""The secret of a sink's key has never been filled in, or was filled in after the tasks had started."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import SECRET_PLACEHOLDER
from operations.diagnosis.cause import Cause, Diagnosis
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sinks import KEYS

CAUSE = Cause(
    title="Key still the placeholder",
    meaning="{variable} still holds the placeholder {placeholder!r} in the tasks that run, so {place} is off",
    remedy="Store the key and replace the tasks, which read it when they start: `{secrets}`",
    evidence='`/_onetrace/health` says `"on": false` and `because`',
    example={
        "variable": "HONEYCOMB_API_KEY",
        "placeholder": "replace-me",
        "place": "Honeycomb",
        "secrets": "make secrets ENV=dev",
    },
)
PLACEHOLDER = "still holds its placeholder"


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each sink whose key is the placeholder."""
    for sink, key in KEYS.items():
        if PLACEHOLDER in str(evidence.observed.sink(sink).get("because", "")):
            yield CAUSE.diagnosis(
                [key.symptom],
                is_intended=True,
                variable=key.variable,
                placeholder=SECRET_PLACEHOLDER,
                place=key.place.label,
                secrets=evidence.command("secrets"),
            )
