"""A variable has a value that the service cannot use, which turns a sink off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from flask_onetrace.masking import masked
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.traces.document import Place

CAUSE = Cause(
    title="Variable unusable",
    meaning="The service cannot use the value of {variable}{value}, so {place} is off",
    remedy="{remedy}. What it expects is in the first lines of its log, and in `?detail` of its health check",
    general_remedy="Run the stack's task definition again, or remove the variable from [variables] of onetrace.toml and"
    " deploy; where its value comes from a secret, store one that can be used: `make secrets`. What the service expects"
    " is in the first lines of its log, and in `?detail` of its health check",
    evidence='`/_onetrace/health` says `"on": false` and `because`, and has it in `unusable_variables`',
    example={
        "variable": "OTEL_EXPORTER_OTLP_ENDPOINT",
        "value": " ('api.honeycomb.io')",
        "place": "Honeycomb",
    },
)
UNUSABLE: Final = re.compile(r"(?P<variable>[A-Z][A-Z0-9_]*) cannot be used")


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each sink that is off because of such a variable."""
    for place in Place:
        if match := UNUSABLE.fullmatch(str(evidence.observed.of_place(place).get("because", ""))):
            variable = match["variable"]
            text = evidence.variables.get(variable)
            is_secret = evidence.container is not None and variable in evidence.container.secrets
            stored = f"Store a value that can be used, and replace the tasks: `{evidence.command('secrets')}`"
            yield CAUSE.diagnosis(
                [Symptom(place.value)],
                variable=variable,
                value=f" ({masked(text)})" if text and text.strip() else "",
                place=place.label,
                remedy=stored if is_secret else evidence.restore(variable),
            )
