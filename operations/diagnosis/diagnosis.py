"""Find the causes of what verify observed: root causes only."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from operations.diagnosis.cause import EVERYTHING, Diagnosis, Symptom
from operations.diagnosis.causes import ORDER
from operations.diagnosis.evidence import Evidence

_AWS_COMMAND: Final = re.compile(r"\baws (?=[a-z0-9]+ [a-z]+-[a-z-]+)")
"""The beginning of a command of the AWS CLI, with its service and operation behind it."""


def diagnose(evidence: Evidence) -> list[Diagnosis]:
    """Return the causes, the first one of the request's way first; of what one explains, no other is returned."""
    diagnoses: list[Diagnosis] = []
    explained: set[Symptom] = set()
    for module in ORDER:
        for each in module.diagnose(evidence):
            if not each.explains <= explained:
                diagnoses.append(_at_endpoint(each, evidence.endpoint))
                explained |= each.explains
        if explained == EVERYTHING:
            break
    return diagnoses


def _at_endpoint(diagnosis: Diagnosis, endpoint: str | None) -> Diagnosis:
    """Return the diagnosis whose commands act on the emulator: without it they would change an account of AWS."""
    if endpoint is None:
        return diagnosis
    return replace(diagnosis, remedy=_AWS_COMMAND.sub(f"aws --endpoint-url {endpoint} ", diagnosis.remedy))
