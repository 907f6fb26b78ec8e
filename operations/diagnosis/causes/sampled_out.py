"""A sampling rule samples no request of this path."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sampling import unsampled_symptoms

CAUSE = Cause(
    title="Sampled out by a rule",
    meaning="The sampling rule {rule} (priority {priority}) matches GET {path} first and samples none of them: its"
    " fixed rate and its reservoir are 0",
    remedy="Give {rule} a rate (aws xray update-sampling-rule), or a higher number as priority than that of {own}, or"
    " have it match other paths; the service fetches the rules every five minutes",
    evidence='`"sampled": 0` in the request\'s log line, and `aws xray get-sampling-rules`',
    example={
        "rule": "Nothing",
        "priority": 1,
        "path": "/",
        "own": "Shop-dev",
    },
)

SUCCEEDING = frozenset({"ok", "browser", "caller"})


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where the rule of a request that succeeds never samples, though the service may not have fetched it yet.

    What fails or is slow is kept whatever the rule says.
    """
    for exchange in evidence.observed.exchanges:
        rule = evidence.rule_of(exchange.path) if exchange.kind in SUCCEEDING else None
        if rule is not None and not rule.fixed_rate and not rule.reservoir:
            yield CAUSE.diagnosis(
                {Symptom.SAMPLING, *unsampled_symptoms(evidence)},
                rule=rule.name,
                priority=rule.priority,
                path=exchange.path,
                own=evidence.own_rule,
            )
            return
