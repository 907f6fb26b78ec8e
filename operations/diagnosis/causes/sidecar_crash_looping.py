"""The X-Ray daemon fails whenever it is started."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sidecar import ended_sidecar, exit_text, last_line

CAUSE = Cause(
    title="Sidecar crash-looping",
    meaning="{sidecar} of the task {task} fails whenever it is started{exit}: no process in the task takes the"
    " segments{output}",
    remedy="Correct what its output names: its image, command, memory or credentials (infra/xray_sidecar.py), and"
    " `{deploy}`",
    evidence="the exit code of the container in `aws ecs describe-tasks`, and its stream in the containers' log group",
    example={
        "sidecar": "xray-daemon",
        "task": "4f3c5a0e",
        "exit": ", now with exit code 1",
        "output": "; its last line: Unable to retrieve EC2 metadata",
        "deploy": "make deploy ENV=dev",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where X-Ray misses requests, and a running task has a sidecar that has failed."""
    if (ended := ended_sidecar(evidence, by_failure=True)) is not None:
        task, container = ended
        yield CAUSE.diagnosis(
            [Symptom.XRAY],
            sidecar=XRAY_DAEMON_CONTAINER_NAME,
            task=task.id,
            exit=f", now{exit_text(container)}",
            output=last_line(evidence),
            deploy=evidence.command("deploy"),
        )
