"""Run the deployed service behind the deployed load balancer, and replace it when it is outdated."""

from __future__ import annotations

import time
from typing import Final

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.deploy.cdk import ENVIRONMENT
from local.service.env_overrides import differences, env_overrides
from local.service.instrumentations import untraced_libraries
from local.service.runner import ROLE, identity, start
from local.service.target_group import set_target
from local.service.task import ResolvedTask, TaskSpec, container_spec, resolve
from local.workspace.ports import free_port
from local.workspace.session import Session
from local.workspace.state import FakePorts, RunningService
from operations.errors import OperatorError
from operations.selection import selected_names

DRAIN_SECONDS: Final = 0.5
"""For requests that the load balancer routed to the old process just before it was deregistered."""


def ensure(session: Session, aws: EmulatedAws, fakes: FakePorts, code: str) -> None:
    """Start the deployed revision, unless a process of the same revision, environment and code is running."""
    task = deployed_task(aws, session.state.outputs)
    service = session.state.service
    current = identity(task, env_overrides(aws, fakes, 0), code)
    if service and session.running(ROLE) and service.identity == current:
        session.report.line("  The running service is up to date")
        set_target(aws.elbv2, session.state.outputs[Output.TARGET_GROUP], service.port)
        return
    _replace(session, aws, task, fakes, current)


def deployed_task(aws: EmulatedAws, outputs: dict[str, str]) -> ResolvedTask:
    """Return the container of the service's current revision with its secrets resolved, as ECS would start it."""
    secrets = aws.secrets
    return resolve(
        _deployed_spec(aws, outputs), lambda source: secrets.get_secret_value(SecretId=source)["SecretString"]
    )


def _deployed_spec(aws: EmulatedAws, outputs: dict[str, str]) -> TaskSpec:
    cluster, name = outputs[Output.CLUSTER], outputs[Output.SERVICE]
    services = aws.ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not services:
        raise OperatorError(f"Cluster {cluster} has no service {name}", "Run make down, then make up")
    revision = services[0]["taskDefinition"]
    definition = aws.ecs.describe_task_definition(taskDefinition=revision)["taskDefinition"]
    return container_spec(definition, selected_names(ENVIRONMENT).application.container_name)


def _replace(session: Session, aws: EmulatedAws, task: ResolvedTask, fakes: FakePorts, new_identity: str) -> None:
    verb = "Replace" if session.state.service and session.running(ROLE) else "Start"
    outdated = [record for record in session.state.processes if record.role == ROLE]
    port = free_port()
    overrides = env_overrides(aws, fakes, port)
    arn = task.spec.task_definition
    with session.report.step(f"{verb} the service from task definition {arn.rpartition('/')[2]}") as step:
        start(session, task, overrides, port, aws.load_balancer_host(session.state.outputs[Output.LOAD_BALANCER]))
        set_target(aws.elbv2, session.state.outputs[Output.TARGET_GROUP], port)
        session.state.service = RunningService(port=port, identity=new_identity, task_definition=arn)
        session.save()
        if outdated:
            time.sleep(DRAIN_SECONDS)
            session.stop(outdated)
        step.note = f"port {port}"
    session.report.line("    environment overrides, because it runs outside a container:")
    for line in differences(task.environment, overrides):
        session.report.line(f"      {line}")
    for line in untraced_libraries(port):
        session.report.line(f"    {line}")
