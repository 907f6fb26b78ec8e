"""Look at the X-Ray daemons of the tasks that run."""

from __future__ import annotations

from typing import Final

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Container, Task

ENDED: Final = frozenset({None, 0, 130, 137, 143})
"""Exit codes of a container that ended by itself or at SIGINT, SIGKILL or SIGTERM, which add 128 to their number."""
_LONGEST: Final = 200


def stopped_sidecar(evidence: Evidence) -> tuple[Task, Container] | None:
    """Return the newest running task whose sidecar has stopped, or runs again after it failed."""
    for task in evidence.running_tasks:
        container = task.container(XRAY_DAEMON_CONTAINER_NAME)
        if container is not None and (container.status == "STOPPED" or container.exit_code is not None):
            return task, container
    return None


def was_stopped(container: Container) -> bool:
    """Return whether something ended it, rather than that it failed; out of memory it fails, by SIGKILL."""
    return container.exit_code in ENDED and "OutOfMemory" not in container.reason


def last_line(evidence: Evidence) -> str:
    """Return the last line that the sidecar printed, after a semicolon; empty where it printed none."""
    lines = [line.strip() for line in evidence.daemon_output if line.strip()]
    return f"; its last line: {lines[-1][:_LONGEST]}" if lines else ""
