"""Keep the service that the deployment describes running behind the deployed load balancer."""

from __future__ import annotations

import time
from typing import Final

from local.backing_services.emulated_aws import EmulatedAws
from local.service.env_overrides import differences, rewiring
from local.service.runner import ROLE, identity, start
from local.service.target_group import point_at
from local.service.task import ResolvedTask, TaskSpec, container_spec, resolve
from local.workspace.errors import LocalError
from local.workspace.ports import free_port
from local.workspace.session import Desk
from local.workspace.state import RunningService, StandInPorts
from service.contract import CONTAINER_NAME, Output

DRAIN_SECONDS: Final = 0.5
"""For a request that the load balancer handed to the old process in the moment before."""


def ensure(desk: Desk, aws: EmulatedAws, stand_ins: StandInPorts, code: str) -> None:
    """Start the deployed revision, or leave alone a process that already is what is deployed."""
    task = read_task(aws, desk.state.outputs)
    running = desk.state.service
    shared = rewiring(aws, stand_ins, 0)
    wanted = identity(task, shared, code)
    if running and desk.running(ROLE) and running.identity == wanted:
        desk.report.line("  The running service is what is deployed: left alone")
        point_at(aws.elbv2, _group(desk), running.port)
        return
    _replace(desk, aws, task, stand_ins, wanted)


def read_task(aws: EmulatedAws, outputs: dict[str, str]) -> ResolvedTask:
    """Return what ECS would hand to the container: the service's current revision, its secrets filled in."""
    spec = deployed_spec(aws, outputs)
    secrets = aws.secrets
    return resolve(spec, lambda source: secrets.get_secret_value(SecretId=source)["SecretString"])


def deployed_spec(aws: EmulatedAws, outputs: dict[str, str]) -> TaskSpec:
    """Return the container of the revision that the deployed service runs; raises `LocalError` when there is none."""
    ecs = aws.ecs
    cluster, service = outputs[Output.CLUSTER], outputs[Output.SERVICE]
    found = ecs.describe_services(cluster=cluster, services=[service])["services"]
    if not found:
        raise LocalError(f"Cluster {cluster} has no service {service}", "Run make down, then make up")
    definition = ecs.describe_task_definition(taskDefinition=found[0]["taskDefinition"])["taskDefinition"]
    return container_spec(definition, CONTAINER_NAME)


def _replace(desk: Desk, aws: EmulatedAws, task: ResolvedTask, stand_ins: StandInPorts, wanted: str) -> None:
    before = desk.state.service if desk.running(ROLE) else None
    old = [record for record in desk.state.processes if record.role == ROLE]
    port = free_port()
    rewired = rewiring(aws, stand_ins, port)
    revision = task.spec.task_definition.rpartition("/")[2]
    title = f"{'Replace' if before else 'Start'} the service as task definition {revision} says"
    with desk.report.step(title) as step:
        start(desk, task, rewired, port)
        point_at(aws.elbv2, _group(desk), port)
        desk.state.service = RunningService(port=port, identity=wanted, task_definition=task.spec.task_definition)
        desk.save()
        if old:
            time.sleep(DRAIN_SECONDS)
            desk.stop(old)
        step.note = f"port {port}"
    desk.report.line("    but for what must differ outside a container:")
    for line in differences(task.environment, rewired):
        desk.report.line(f"      {line}")


def _group(desk: Desk) -> str:
    return desk.state.outputs[Output.TARGET_GROUP]
