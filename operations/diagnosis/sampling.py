"""Find the places whose missing requests were not sampled."""

from __future__ import annotations

from operations.diagnosis.cause import Symptom
from operations.diagnosis.evidence import Evidence
from operations.traces.document import Place


def unsampled_symptoms(evidence: Evidence) -> frozenset[Symptom]:
    """Return the places whose missing requests were all not sampled."""
    observed = evidence.observed
    return frozenset(
        Symptom(place.value)
        for place in (Place.HONEYCOMB, Place.XRAY)
        if (missing := observed.missing.get(place))
        and all(observed.sampled.get(each.trace_id) is False for each in missing)
    )
