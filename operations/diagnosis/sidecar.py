"""Look at the X-Ray daemons of the tasks that run."""

from __future__ import annotations

from typing import Final

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from operations.diagnosis.cause import Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Container, Task

ENDED: Final = frozenset({None, 0, 130, 137, 143})
"""Exit codes of a container that ended by itself or at SIGINT, SIGKILL or SIGTERM, which add 128 to their number."""
_LONGEST: Final = 200


def ended_sidecar(evidence: Evidence, *, by_failure: bool) -> tuple[Task, Container] | None:
    """Return the newest running task whose sidecar has ended in this way, and the sidecar; None if X-Ray lacks nothing.

    It may run again: a failed container has an exit code until then.
    """
    if Symptom.XRAY not in evidence.symptoms:
        return None
    for task in evidence.running_tasks:
        container = task.container(XRAY_DAEMON_CONTAINER_NAME)
        if container is not None and (container.status == "STOPPED" or container.exit_code is not None):
            return (task, container) if _has_failed(container) is by_failure else None
    return None


def exit_text(container: Container) -> str:
    """Return ` with exit code 1 (<reason>)`, without what is not known."""
    code = "" if container.exit_code is None else f" with exit code {container.exit_code}"
    return f"{code} ({container.reason})" if container.reason else code


def _has_failed(container: Container) -> bool:
    """Return whether it failed, rather than that something ended it; out of memory it fails, by SIGKILL."""
    return container.exit_code not in ENDED or "OutOfMemory" in container.reason


def last_line(evidence: Evidence) -> str:
    """Return the last line that the sidecar printed, after a semicolon; empty where it printed none."""
    lines = [line.strip() for line in evidence.daemon_output if line.strip()]
    return f"; its last line: {lines[-1][:_LONGEST]}" if lines else ""
