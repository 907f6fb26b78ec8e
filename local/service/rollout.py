"""Run the deployed service behind its load balancer, and replace it once a new version passes the smoke test."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Output, Variable
from local.backing_services import console
from local.backing_services.emulated_aws import EmulatedAws
from local.backing_services.log_group import LogGroup
from local.service import revision
from local.service.candidate import candidate_rule
from local.service.env_overrides import differences, env_overrides
from local.service.instrumentations import untraced_libraries
from local.service.runner import CANDIDATE_ROLE, ROLE, before_start, process_digest, promote, runtime_of, start
from local.service.target_group import set_target
from local.service.task import ResolvedTask, TaskSpec, resolve
from local.service.variables import overrides
from local.smoke_test.run import Target, smoke_test
from local.workspace.interrupts import deferred_interrupts
from local.workspace.ports import LOOPBACK, free_port
from local.workspace.session import Session
from local.workspace.state import FakePorts, Record, RunningService
from operations.errors import OperatorError

DRAIN_SECONDS: Final = 0.2
"""For requests that the load balancer routed to the old process just before it was deregistered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What to run: a revision of the task definition, the code's fingerprint, and the values on this machine."""

    task_definition: str
    code: str
    values: Mapping[str, str] = field(repr=False)

    @property
    def revision(self) -> str:
        """Return the `family:revision` of the task definition."""
        return self.task_definition.rpartition("/")[2]


def ensure(session: Session, aws: EmulatedAws, fakes: FakePorts, version: Version) -> None:
    """Run and smoke-test the version, unless a process of the same revision, environment and code is running.

    Raises `OperatorError`: then what ran before still gets the requests.
    """
    with rollback_on_failure(session, aws, version.task_definition):
        task = resolved(aws, revision.spec_of(aws, session.state.outputs, version.task_definition))
        addresses = env_overrides(aws, fakes, 0, session.application.flask_app, console.trace_url(session))
        own = overrides(session.application, version.values)
        current = process_digest(task, {**addresses, **own}, version.code)
        environment = {**task.environment, **own}
        logs, url = log_group(session, aws, task), load_balancer_url(session)
        service = session.state.service
        if service and (process := session.running(ROLE, service.pid)) and service.identity == current:
            session.report.line("  The running service is up to date")
            _replace(session, aws, service)
            smoke_test(session, aws, fakes, Target(url, environment, logs, process.created, session.folders.log(ROLE)))
            return
        service, process = _start(session, aws, fakes, version, task=task, digest=current)
        log = session.folders.log(CANDIDATE_ROLE)
        with candidate_rule(aws, session.state.outputs, service.port) as headers:
            smoke_test(session, aws, fakes, Target(url, environment, logs, process.created, log, headers))
        _replace(session, aws, service)


def resolved(aws: EmulatedAws, spec: TaskSpec) -> ResolvedTask:
    """Return the container with its secrets resolved, as ECS would start it."""
    secrets = aws.secrets
    return resolve(spec, lambda source: secrets.get_secret_value(SecretId=source)["SecretString"])


def deployed_task(aws: EmulatedAws, outputs: Mapping[str, str]) -> ResolvedTask:
    """Return the container of the service's current revision with its secrets resolved."""
    return resolved(aws, revision.spec_of(aws, outputs, revision.current(aws, outputs)))


def log_group(session: Session, aws: EmulatedAws, task: ResolvedTask) -> LogGroup:
    """Return what the version of a task writes to the deployed log group."""
    version = task.environment.get(Variable.SERVICE_VERSION, "")
    return LogGroup(aws=aws, name=session.state.outputs[Output.LOG_GROUP], version=version)


def load_balancer_url(session: Session) -> str:
    """Return the address of the load balancer, `http://127.0.0.1:<port>`."""
    return f"http://{LOOPBACK}:{session.state.load_balancer_port}"


@contextmanager
def rollback_on_failure(session: Session, aws: EmulatedAws, task_definition: str) -> Iterator[None]:
    """Let what ran before get the requests again if the block fails, as ECS's circuit breaker does.

    The service has its task definition again, also where CloudFormation has already deployed the next one.
    """
    try:
        yield
    except BaseException:
        with deferred_interrupts():
            try:
                _roll_back(session, aws, task_definition)
            except (BotoCoreError, ClientError, OperatorError) as error:
                session.report.line(f"  Rolling back failed: {error}. Run make down, then make up.")
        raise


def _roll_back(session: Session, aws: EmulatedAws, failed: str) -> None:
    service, outputs = session.state.service, session.state.outputs
    if service is None or session.running(ROLE, service.pid) is None:
        return
    _switch(session, aws, service)
    if failed != service.task_definition:
        revision.deregister(aws, outputs, failed)
    session.report.line(
        f"  Rolled back: {service.task_definition.rpartition('/')[2]} serves on at {load_balancer_url(session)}/"
    )


def _start(
    session: Session,
    aws: EmulatedAws,
    fakes: FakePorts,
    version: Version,
    *,
    task: ResolvedTask,
    digest: str,
) -> tuple[RunningService, Record]:
    """Start a process of the version, which gets no requests yet."""
    _restore_target(session, aws)
    port, application = free_port(), session.application
    addresses = env_overrides(aws, fakes, port, application.flask_app, console.trace_url(session))
    own = overrides(application, version.values)
    runtime = runtime_of(session, task, {**addresses, **own})
    before_start(session, runtime)
    with session.report.step(f"Start the service from task definition {version.revision}") as step:
        name = aws.load_balancer_name(session.state.outputs[Output.LOAD_BALANCER])
        logs = log_group(session, aws, task)
        record = start(session, runtime, step, port=port, load_balancer=name, logs=logs)
        step.note = f"port {port}"
    say = session.report.line
    if session.state.service is None:  # An edit changes its port alone.
        say("    environment overrides, because it runs outside a container:")
        for line in differences(task.environment, addresses):
            say(f"      {line}")
    if own:
        # Without their values: a database's URL has its password.
        say(f"      from [local] of the description: {', '.join(own)}")
    for line in untraced_libraries(port):
        say(f"    {line}")
    service = RunningService(port=port, pid=record.pid, identity=digest, task_definition=version.task_definition)
    return service, record


def _replace(session: Session, aws: EmulatedAws, service: RunningService) -> None:
    """Send the requests to a process that passes the smoke test, and stop the others."""
    roles = (ROLE, CANDIDATE_ROLE)
    outdated = [each for each in session.state.processes if each.role in roles and each.pid != service.pid]
    with deferred_interrupts():
        _switch(session, aws, service)
        promote(session, service)
        session.state.service = service
        session.save()
    if outdated:
        with session.report.step("Stop the old version"):
            time.sleep(DRAIN_SECONDS)
            session.stop(outdated)


def _restore_target(session: Session, aws: EmulatedAws) -> None:
    """Let the running process keep its requests: a deploy of the stacks may have replaced the target group."""
    service = session.state.service
    if service is not None and session.running(ROLE, service.pid):
        set_target(aws.elbv2, session.state.outputs[Output.TARGET_GROUP], service.port)


def _switch(session: Session, aws: EmulatedAws, service: RunningService) -> None:
    """Have the emulated service and its target group lead to a process."""
    outputs = session.state.outputs
    revision.run_revision(aws, outputs, service.task_definition)
    set_target(aws.elbv2, outputs[Output.TARGET_GROUP], service.port)
