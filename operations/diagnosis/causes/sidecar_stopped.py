"""The X-Ray daemon of a running task was stopped."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sidecar import ended_sidecar, exit_text, last_line

CAUSE = Cause(
    title="Sidecar stopped",
    meaning="{sidecar} of the task {task} is STOPPED{exit} while the service beside it runs: no process in the task"
    " takes the segments{output}",
    remedy="Replace the tasks: `aws ecs update-service --cluster {cluster} --service {service} --force-new-deployment`."
    " If it stops again, find out what stops it",
    evidence="`lastStatus` of the container in `aws ecs describe-tasks`, with exit code 0, or that of a signal",
    example={
        "sidecar": "xray-daemon",
        "task": "4f3c5a0e",
        "exit": " with exit code 0",
        "output": "; its last line: Got shutdown signal",
        "cluster": "Shop-dev-Cluster",
        "service": "Shop-dev-Service",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where X-Ray misses requests, and a running task has a sidecar that a signal or itself has ended."""
    if (ended := ended_sidecar(evidence, by_failure=False)) is not None:
        task, container = ended
        yield CAUSE.diagnosis(
            [Symptom.XRAY],
            sidecar=XRAY_DAEMON_CONTAINER_NAME,
            task=task.id,
            exit=exit_text(container),
            output=last_line(evidence),
            cluster=evidence.output("Cluster"),
            service=evidence.output("Service"),
        )
