"""The service writes to a log group of another name."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import Variable
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Log group of another name",
    meaning="The service writes to CLOUDWATCH_LOG_GROUP={actual!r}{missing}, and the stack's log group is {expected}",
    remedy="{restore}",
    general_remedy="Remove CLOUDWATCH_LOG_GROUP from [variables] of onetrace.toml and deploy: the stack sets it. Where"
    " the service runs another task definition than the stack's, run that again",
    evidence="the variable in the task definition that the service runs, and the stack's output `LogGroup`",
    example={
        "actual": "Shop-logs",
        "missing": ", which does not exist",
        "expected": "Shop-dev-shop",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where CloudWatch Logs misses requests, and the service has another name."""
    actual, expected = evidence.variables.get(Variable.CLOUDWATCH_LOG_GROUP, ""), evidence.log_group
    if Symptom.CLOUDWATCH in evidence.symptoms and actual and expected and actual != expected:
        groups = evidence.log_groups
        yield CAUSE.diagnosis(
            [Symptom.CLOUDWATCH],
            actual=actual,
            missing=", which does not exist" if groups is not None and actual not in groups else "",
            expected=expected,
            restore=evidence.restore(Variable.CLOUDWATCH_LOG_GROUP),
        )
