"""Run a resolved task as a process on this machine."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from typing import Final

from flask_onetrace.contract import HEALTH_CHECK_PATH, SERVER_CONFIG
from local.service.task import ResolvedTask
from local.workspace.http_client import is_ready
from local.workspace.ports import LOOPBACK
from local.workspace.session import Session
from local.workspace.state import Record

ROLE: Final = "service"
COMMAND: Final = (sys.executable, "-m", "gunicorn", "--config", SERVER_CONFIG)
"""The CMD of service/Dockerfile, without its app."""
READY_SECONDS: Final = 30.0


def start(session: Session, task: ResolvedTask, overrides: Mapping[str, str], port: int, load_balancer: str) -> Record:
    """Start the process and wait until its health check passes. Raises `FailedStepError`."""
    record = session.start(ROLE, [*COMMAND, app_of(load_balancer)], {**task.environment, **overrides})
    session.supervisor.wait_until(
        lambda: is_ready(f"http://{LOOPBACK}:{port}{HEALTH_CHECK_PATH}"),
        record,
        seconds=READY_SECONDS,
        what="The service",
    )
    return record


def app_of(load_balancer: str) -> str:
    """Return gunicorn's argument for the guarded app behind the load balancer `host:port`."""
    return f"local.service.wsgi:build_guarded({load_balancer!r})"


def identity(task: ResolvedTask, overrides: Mapping[str, str], code: str) -> str:
    """Return a digest of the task definition, the environment and the code's fingerprint."""
    parts = (task.spec.task_definition, code, *sorted(overrides.items()), *sorted(task.environment.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()
