"""Run a command with the environment of the deployed task."""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

from local.application.selection import deployed_application
from local.backing_services import console, postgresql
from local.backing_services.emulated_aws import EmulatedAws
from local.backing_services.running import NotRunningError, running_deployment
from local.deploy import docker_command
from local.service import revision
from local.service.env_overrides import env_overrides
from local.service.rollout import resolved
from local.service.runner import SHELL, runtime_of
from local.service.variables import local_values, overrides, refuse_reserved
from local.workspace.session import Session
from operations.errors import OperatorError

TERMINAL: Final = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "TERM", "TZ", "USER")
"""What a command at a terminal has of the caller's environment."""


def run_command(session: Session, line: str) -> NoReturn:
    """Replace this process by the command, in the application's folder and with its packages.

    It keeps the terminal; its exit code is this process's. Raises `OperatorError` where nothing is up.
    """
    if not line.strip():
        raise OperatorError("CMD is empty", 'Pass a command, for example make run CMD="flask routes"')
    state = session.state
    aws, ports = running_deployment(session)
    if state.engine is not None:
        _run_in_container(session, aws, line)
    if state.service is None:
        raise NotRunningError("The service has not started yet", "Wait until make up ends")
    session.selected = deployed_application(state.application)
    refuse_reserved(session.application)
    values = local_values(session.application, postgresql.running_url(session))
    spec = revision.spec_of(aws, state.outputs, state.service.task_definition)
    task = resolved(aws, spec)
    flask_app, trace_url = session.application.flask_app, console.trace_url(session)
    addresses = env_overrides(aws, ports, state.service.port, flask_app, trace_url)
    runtime = runtime_of(session, task, {**addresses, **overrides(session.application, values)})
    terminal = {name: session.environ[name] for name in TERMINAL if name in session.environ}
    environment = {**terminal, **runtime.variables(session.environ.get("PATH", ""))}
    os.chdir(runtime.folder)
    sys.stdout.flush()
    os.execve(SHELL, [SHELL, "-c", line], environment)  # noqa: S606 - the command is the caller's own


def _run_in_container(session: Session, aws: EmulatedAws, line: str) -> NoReturn:
    """Run the command by the shell of the newest task's container, in its environment."""
    outputs = session.state.outputs
    tasks = revision.tasks(aws, outputs)
    docker = docker_command.program(session.environ)
    if docker is None or not tasks:
        raise OperatorError("No task is running", "See make status and make logs")
    name = revision.container_name(revision.service_of(aws, outputs))
    container = next(each["runtimeId"] for each in tasks[-1]["containers"] if each["name"] == name)
    options = ["--interactive", *(["--tty"] if sys.stdin.isatty() and sys.stdout.isatty() else [])]
    sys.stdout.flush()
    engine = docker_command.select(docker_command.variables(session.environ), session.state.engine or "")
    environment = {**engine, "PATH": session.environ.get("PATH", "")}
    os.execve(docker, [docker, "exec", *options, container, SHELL, "-c", line], environment)  # noqa: S606 - the command is the caller's own
