"""Run the deployed service behind the deployed load balancer, and replace it once the new version has proved itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.service import revision
from local.service.candidate import candidate_rule
from local.service.env_overrides import differences, env_overrides
from local.service.instrumentations import untraced_libraries
from local.service.runner import ROLE, identity, runtime_of, start
from local.service.target_group import set_target
from local.service.task import ResolvedTask, TaskSpec, resolve
from local.service.variables import completed, overrides
from local.smoke_test.run import Target, smoke_test
from local.workspace.interrupts import deferred_interrupts
from local.workspace.ports import free_port
from local.workspace.session import Session
from local.workspace.state import FakePorts, Record, RunningService

DRAIN_SECONDS: Final = 0.2
"""For requests that the load balancer routed to the old process just before it was deregistered."""


def ensure(
    session: Session, aws: EmulatedAws, fakes: FakePorts, values: Mapping[str, str], code: str, task_definition: str
) -> None:
    """Run a revision of the task definition, and prove it. `values` are the application's on this machine.

    A process of the same revision, environment and code is left running. Raises `OperatorError`: then what ran before
    still gets the requests.
    """
    with kept_on_failure(session, aws, task_definition):
        task = resolved(
            aws, completed(revision.spec_of(aws, session.state.outputs, task_definition), session.application)
        )
        own = overrides(session.application, values)
        current = identity(task, {**env_overrides(aws, fakes, 0), **own}, code)
        service = session.state.service
        if service and session.running(ROLE, service.pid) and service.identity == current:
            session.report.line("  The running service is up to date")
            _switch(session, aws, service)
            smoke_test(session, aws, fakes, Target(load_balancer_url(session)))
        else:
            _replace(session, aws, task, fakes, own, current)


def resolved(aws: EmulatedAws, spec: TaskSpec) -> ResolvedTask:
    """Return the container with its secrets resolved, as ECS would start it."""
    secrets = aws.secrets
    return resolve(spec, lambda source: secrets.get_secret_value(SecretId=source)["SecretString"])


def deployed_task(aws: EmulatedAws, outputs: Mapping[str, str]) -> ResolvedTask:
    """Return the container of the service's current revision with its secrets resolved."""
    return resolved(aws, revision.spec_of(aws, outputs, revision.current(aws, outputs)))


def load_balancer_url(session: Session) -> str:
    """Return the address of the load balancer, `http://127.0.0.1:<port>`."""
    return f"http://127.0.0.1:{session.state.load_balancer_port}"


@contextmanager
def kept_on_failure(session: Session, aws: EmulatedAws, task_definition: str) -> Iterator[None]:
    """Let what ran before get the requests again if the block fails, as ECS's circuit breaker does.

    Its task definition is the service's again, also where CloudFormation has already deployed the next one.
    """
    try:
        yield
    except BaseException:
        with deferred_interrupts():
            service, outputs = session.state.service, session.state.outputs
            if service is not None and session.running(ROLE, service.pid):
                _switch(session, aws, service)
                if service.task_definition != task_definition:
                    revision.forget(aws, outputs, task_definition)
                name = service.task_definition.rpartition("/")[2]
                session.report.line(f"  Rolled back: {name} serves on at {load_balancer_url(session)}/")
        raise


def _replace(
    session: Session, aws: EmulatedAws, task: ResolvedTask, fakes: FakePorts, own: Mapping[str, str], new_identity: str
) -> None:
    outputs, port = session.state.outputs, free_port()
    outdated = [record for record in session.state.processes if record.role == ROLE]
    if session.state.service is not None and outdated:
        # A deploy of the stacks may have replaced the target group.
        set_target(aws.elbv2, outputs[Output.TARGET_GROUP], session.state.service.port)
    variables = env_overrides(aws, fakes, port)
    runtime = runtime_of(session, task, {**variables, **own})
    arn = task.spec.task_definition
    with session.report.step(f"Start the service from task definition {arn.rpartition('/')[2]}") as step:
        record = start(session, runtime, port, aws.load_balancer_name(outputs[Output.LOAD_BALANCER]))
        step.note = f"port {port}"
    _report_environment(session, task, variables, own, port)
    with candidate_rule(aws, outputs, port) as headers:
        smoke_test(session, aws, fakes, Target(load_balancer_url(session), headers))
    service = RunningService(port=port, pid=record.pid, identity=new_identity, task_definition=arn)
    with deferred_interrupts():
        _switch(session, aws, service)
        session.state.service = service
        session.save()
    _stop(session, outdated)


def _switch(session: Session, aws: EmulatedAws, service: RunningService) -> None:
    """Have the emulated service and its target group lead to a process."""
    outputs = session.state.outputs
    revision.run_revision(aws, outputs, service.task_definition)
    set_target(aws.elbv2, outputs[Output.TARGET_GROUP], service.port)


def _stop(session: Session, outdated: list[Record]) -> None:
    if outdated:
        with session.report.step("Stop the old version"):
            time.sleep(DRAIN_SECONDS)
            session.stop(outdated)


def _report_environment(
    session: Session, task: ResolvedTask, variables: Mapping[str, str], own: Mapping[str, str], port: int
) -> None:
    say = session.report.line
    say("    environment overrides, because it runs outside a container:")
    for line in differences(task.environment, variables):
        say(f"      {line}")
    if own:
        # Without their values: a database's URL has its password.
        say(f"      from [local] of the description: {', '.join(own)}")
    for line in untraced_libraries(port, session.application.health_check_path):
        say(f"    {line}")
