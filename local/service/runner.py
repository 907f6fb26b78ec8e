"""Run a resolved task as a process on this machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Final

import requests

from flask_onetrace.contract import SERVER_CONFIG
from infra.application import Application
from local.application.packages import interpreter
from local.application.selection import working_directory
from local.backing_services.log_group import LogGroup
from local.service.task import ResolvedTask
from local.workspace.errors import FailedStepError
from local.workspace.http_client import READINESS_TIMEOUT_SECONDS, path_with_slash, response_of, trace_id_of
from local.workspace.ports import LOOPBACK
from local.workspace.processes import POLL_SECONDS, is_running
from local.workspace.report import Step
from local.workspace.session import Session
from local.workspace.state import Record, RunningService
from local.workspace.steps import Program, last_line, run
from operations.errors import OperatorError

ROLE: Final = "service"
CANDIDATE_ROLE: Final = "candidate"
"""A version that gets no requests yet. Its log is its own: that of the version that serves goes on."""
GUNICORN: Final = ("-m", "gunicorn", "--config", SERVER_CONFIG)
"""The CMD of the image, without Python and the app."""
READY_VARIABLE: Final = "LOCAL_READY_SECONDS"
DEFAULT_READY_SECONDS: Final = 30
MAX_READY_SECONDS: Final = 3600
START_LONGER: Final = f"See the lines above; for an application that needs longer, set {READY_VARIABLE}"
CORRECT_ANSWER: Final = "Correct what the lines above show"
LASTING: Final = frozenset({*range(300, 400), 401, 403, 404, 405})
"""Statuses of a health check that waiting does not change, unlike the 503 of a service that still connects to its
database."""
SETTLED: Final = LASTING.union(range(200, 300))
PASSING: Final = frozenset({429, 502, 503, 504})
"""Statuses of an application that is not ready yet."""
CONNECTION_REFUSED: Final = "refused"
"""In the message of an exception whose cause may pass: a database that is still starting."""
RESPONSE_SECONDS: Final = 20.0
"""Until a health check is sent again: longer than most applications take to load."""
MIN_INTERVAL_SECONDS: Final = 0.1
MAX_INTERVAL_SECONDS: Final = 1.0
OPEN_PATH: Final = (
    "Answer that path without a login, or remove `health_check_path`: the default is served ahead of the application"
)
NO_ROUTE: Final = (
    "Set `health_check_path` to a route of the application, or remove it: the default is served ahead of it"
)
BEFORE_START_SECONDS: Final = 300.0
SHELL: Final = "/bin/sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What runs an application's commands: its Python, the folder they run in, and the task's environment."""

    python: Path
    folder: Path
    environment: Mapping[str, str] = field(repr=False)

    def variables(self, path: str) -> dict[str, str]:
        """Return the environment, with the programs of the application's packages before those on `path`."""
        return {**self.environment, "PATH": f"{self.python.parent}:{path}", "VIRTUAL_ENV": str(self.python.parents[1])}


def runtime_of(session: Session, task: ResolvedTask, overrides: Mapping[str, str]) -> Runtime:
    """Return the runtime of the application, its packages installed. Raises `OperatorError`."""
    application = session.application
    return Runtime(
        python=interpreter(session, application),
        folder=working_directory(application),
        environment={**task.environment, **overrides},
    )


def ready_seconds(environ: Mapping[str, str]) -> int:
    """Return how long a start may take: `LOCAL_READY_SECONDS`, or 30. Raises `OperatorError` for another text."""
    text = environ.get(READY_VARIABLE, "").strip() or str(DEFAULT_READY_SECONDS)
    seconds = int(text) if re.fullmatch("[0-9]{1,4}", text) else 0
    if not 0 < seconds <= MAX_READY_SECONDS:
        raise OperatorError(
            f"{READY_VARIABLE}={text!r} is not a number of seconds", f"Set it to a number from 1 to {MAX_READY_SECONDS}"
        )
    return seconds


@dataclass(slots=True)
class HealthCheck:
    """Polls the path of the health check, more slowly once the application responds: each response is telemetry.

    One request is under way at a time, while the process loads the application: it would serve each that the client
    has given up, with the status 499.
    """

    url: str
    response: requests.Response | None = None
    interval: float = POLL_SECONDS
    _pending: Future[requests.Response | None] | None = None

    def settled(self) -> bool:
        """Send a request unless one is under way, and return whether waiting would not change the response's status."""
        pending = self._pending = self._pending or _in_background(partial(response_of, self.url, RESPONSE_SECONDS))
        try:
            self.response = pending.result(READINESS_TIMEOUT_SECONDS)
        except TimeoutError:
            return False
        self._pending = None
        if self.response is not None:
            self.interval = min(MAX_INTERVAL_SECONDS, max(MIN_INTERVAL_SECONDS, 2 * self.interval))
        return self.response is not None and self.response.status_code in SETTLED


def _in_background(request: Callable[[], requests.Response | None]) -> Future[requests.Response | None]:
    """Return the future response; its thread ends with this process."""
    future = Future[requests.Response | None]()
    Thread(target=lambda: future.set_result(request()), name="health-check", daemon=True).start()
    return future


def start(session: Session, runtime: Runtime, step: Step, *, port: int, load_balancer: str, logs: LogGroup) -> Record:
    """Start the process and wait until its health check passes. Raises `FailedStepError`.

    The error of a response has the exception that the version's `logs` hold of it.
    """
    application = session.application
    arguments = command(runtime.python, application, load_balancer)
    record = session.start(CANDIDATE_ROLE, arguments, _variables(session, runtime), cwd=runtime.folder)
    log, seconds = session.folders.log(CANDIDATE_ROLE), ready_seconds(session.environ)
    check = HealthCheck(f"http://{LOOPBACK}:{port}{application.health_check_path}")
    try:
        session.supervisor.wait_until(
            check.settled,
            record,
            seconds=seconds,
            what="The service",
            remedy=START_LONGER,
            progress=lambda elapsed: step.detail(f"{elapsed:.0f} s of {seconds}: {last_line(log)}"),
            interval=lambda: check.interval,
        )
    except FailedStepError as error:
        if check.response is None or not is_running(record):
            raise
        trace_id = trace_id_of(check.response)
        lines = logs.errors_of(trace_id, record.created)
        problem = f"{error.problem}: {_outcome(application, check.response)}"
        raise FailedStepError(
            f"{problem}, trace id {trace_id}" if trace_id else problem,
            START_LONGER if _may_pass(check.response, lines) else CORRECT_ANSWER,
            log=error.log,
            lines=lines or error.lines,
        ) from None
    if (response := check.response) is not None and response.status_code in LASTING:
        raise session.supervisor.failure(
            record,
            f"The service is not healthy: {_outcome(application, response)}",
            lasting_remedy(application.health_check_path, response),
        )
    return record


def lasting_remedy(path: str, response: requests.Response) -> str:
    """Return what to do about a health check's status that waiting does not change."""
    if (added := path_with_slash(path, response.headers.get("Location", ""))) is not None:
        return f'Set health_check_path = "{added}"'
    return NO_ROUTE if response.status_code == HTTPStatus.NOT_FOUND else OPEN_PATH


def _may_pass(response: requests.Response, lines: Sequence[str]) -> bool:
    """Return whether the next response may be another one though the application stays as it is."""
    return response.status_code in PASSING or CONNECTION_REFUSED in "".join(lines[-1:]).lower()


def promote(session: Session, service: RunningService) -> None:
    """Make the candidate, with its log, the service."""
    candidate = session.running(CANDIDATE_ROLE, service.pid)
    if candidate is not None:
        session.rename(candidate, ROLE)


def _outcome(application: Application, response: requests.Response) -> str:
    location = response.headers.get("Location")
    status = f"{response.status_code}{f' to {location}' if location else ''}"
    return (
        f"its health check GET {application.health_check_path} returned {status}, and the load balancer takes 2xx alone"
    )


def before_start(session: Session, runtime: Runtime) -> None:
    """Run the description's command with the task's environment. Raises `FailedStepError` with its output."""
    line = session.application.local.before_start
    if line is None:
        return
    with session.report.step(f"Run before the start: {line}") as step:
        program = Program(
            role="before-start",
            title=f"[local] before_start = {line!r}",
            command=[SHELL, "-c", line],
            environment=_variables(session, runtime),
            cwd=runtime.folder,
            seconds=BEFORE_START_SECONDS,
        )
        run(session, program, step)


def command(python: Path, application: Application, load_balancer: str) -> Sequence[str]:
    """Return gunicorn's command for the guarded app behind the load balancer of that name."""
    guard = "local.request_guard" if application.is_sample else "onetrace_request_guard"
    return [str(python), *GUNICORN, f"{guard}.service:build_guarded({load_balancer!r})"]


def process_digest(task: ResolvedTask, overrides: Mapping[str, str], code: str) -> str:
    """Return a digest of the task definition, the environment and the code's fingerprint."""
    parts = (task.spec.task_definition, code, *sorted(overrides.items()), *sorted(task.environment.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _variables(session: Session, runtime: Runtime) -> dict[str, str]:
    # As in the image: what the application prints is in the log at once.
    return {"PYTHONUNBUFFERED": "1", **runtime.variables(session.environ.get("PATH", ""))}
