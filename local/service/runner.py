"""Run a resolved task as a process of this machine. A container runner would take the same task."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from typing import Final

from local.backing_services.emulator import answers
from local.service.task import ResolvedTask
from local.workspace.ports import LOOPBACK
from local.workspace.session import Desk
from local.workspace.state import Record
from service.contract import HEALTH_CHECK_PATH

ROLE: Final = "service"
COMMAND: Final = (sys.executable, "-m", "gunicorn", "--config", "service/gunicorn.conf.py", "service.wsgi:build()")
"""What the image's CMD runs."""
READY_SECONDS: Final = 30.0


def start(desk: Desk, task: ResolvedTask, rewired: Mapping[str, str], port: int) -> Record:
    """Start the container's process and wait until it answers its health check; raises `FailedStepError`."""
    record = desk.start(ROLE, COMMAND, {**task.environment, **rewired})
    desk.supervisor.wait_until(
        lambda: answers(f"http://{LOOPBACK}:{port}{HEALTH_CHECK_PATH}"),
        record,
        seconds=READY_SECONDS,
        what="The service",
    )
    return record


def identity(task: ResolvedTask, rewired: Mapping[str, str], code: str) -> str:
    """Return a digest that stays the same as long as a new process would be the same as the running one."""
    said = (task.spec.task_definition, code, *sorted(rewired.items()), *sorted(task.environment.items()))
    return hashlib.sha256(repr(said).encode()).hexdigest()
