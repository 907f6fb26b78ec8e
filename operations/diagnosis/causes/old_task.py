"""Tasks of another version answer."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import Variable
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Old task still serving",
    meaning="{url} is served by version {actual}, not by {expected}: {why}",
    remedy="{remedy}",
    general_remedy="Wait until the service is steady and old connections have drained. Where ECS has rolled back, see"
    " why the new tasks failed and deploy a corrected commit; else deploy the version, or pass the deployed one as"
    " VERSION=",
    evidence="`version` in `/_onetrace/health`, and the service's deployments in `aws ecs describe-services`",
    example={
        "url": "https://shop.example.com",
        "actual": "28294eb",
        "expected": "7c1f0a2",
        "why": "tasks before shop:8 still answer",
    },
)
IN_PROGRESS = "IN_PROGRESS"


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where the health check names another version than the one that was asked for, or that ECS runs."""
    observed = evidence.observed
    actual, expected = (observed.health or {}).get("version"), expected_version(evidence)
    if isinstance(actual, str) and expected and actual != expected:
        why, remedy = _why(evidence, expected)
        yield CAUSE.diagnosis(
            [Symptom.VERSION], url=observed.url, actual=actual, expected=expected, why=why, remedy=remedy
        )


def expected_version(evidence: Evidence) -> str:
    """Return the version that was asked for, else that of the task definition that the service runs."""
    return evidence.observed.expected_version or evidence.variables.get(Variable.SERVICE_VERSION, "")


def _why(evidence: Evidence, expected: str) -> tuple[str, str]:
    service, serving, declared = evidence.service, evidence.serving, evidence.declared
    deploy = f"Deploy {expected}, or pass the deployed one as VERSION="
    if service is None or serving is None:
        return "the deployment has not ended, or another version is deployed", deploy
    if evidence.variables.get(Variable.SERVICE_VERSION) == expected:
        event = f"; its newest event: {service.newest_event}" if service.newest_event else ""
        if service.rollout == IN_PROGRESS:
            state = f"the deployment of {serving.name} is in progress, and its tasks are not healthy yet{event}"
            return (
                state,
                "Wait until the service is steady; if it does not get there, the new containers' output says why",
            )
        return f"tasks before {serving.name} still answer{event}", "Wait until their connections have drained"
    if declared is not None and declared.arn != serving.arn:
        rolled_back = f"the stack names {declared.name}, and ECS runs {serving.name}: it rolled the deployment back"
        return rolled_back, "See why the new tasks failed (make deploy prints it), and deploy a corrected commit"
    return f"the stack's task definition {serving.name} is of another version", deploy
