"""The task definition that runs has no X-Ray daemon."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Sidecar missing",
    meaning="The task definition {definition} has no container {sidecar}, only {containers}: no process in the task"
    " takes the segments",
    remedy="{restore}",
    general_remedy="Run the stack's task definition again, by `aws ecs update-service`; where it lacks the container"
    " itself, `make deploy`",
    evidence="the containers of the task definition that the service runs",
    example={
        "definition": "shop:8",
        "sidecar": "xray-daemon",
        "containers": "shop",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where X-Ray misses requests, and the task definition is known and lacks the container."""
    serving = evidence.serving
    if Symptom.XRAY in evidence.symptoms and serving and XRAY_DAEMON_CONTAINER_NAME not in serving.containers:
        yield CAUSE.diagnosis(
            [Symptom.XRAY],
            definition=serving.name,
            sidecar=XRAY_DAEMON_CONTAINER_NAME,
            containers=", ".join(serving.containers) or "none",
            restore=evidence.restore(),
        )
