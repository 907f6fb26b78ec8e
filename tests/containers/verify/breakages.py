"""Break one thing of a deployment whose tasks run in containers, and repair it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import requests

from flask_onetrace.contract import SECRET_PLACEHOLDER, XRAY_DAEMON_CONTAINER_NAME, Output, Variable
from local.containers.settings import AgentSettings
from tests.containers.deployment import GRACE_SECONDS, Deployment
from tests.containers.engine import docker, inspect
from tests.containers.verify.faulty_backend import Fault, FaultyBackend
from tests.permissions.policies import without

AHEAD_SECONDS: Final = 3600
CLOCK: Final = f"""
import runpy, sys, time
real, real_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: real() + {AHEAD_SECONDS}, lambda: real_ns() + {AHEAD_SECONDS} * 10**9
sys.argv = sys.argv[1:]
runpy.run_path(__import__("shutil").which(sys.argv[0]), run_name="__main__")
"""
"""A program that runs the image's own command, a script of Python, with a clock that is ahead."""
UNHEALTHY: Final = {"command": ["CMD", "false"], "interval": 2, "timeout": 2, "retries": 3, "startPeriod": 120}


@dataclass
class VerifiedDeployment(Deployment):
    """The deployment. Its tasks reach the vendors through servers that can fail."""

    def interpose(self, stack: ExitStack) -> None:
        """Start these servers, and run a task that reaches them."""
        self.honeycomb, self.rollbar = (
            stack.enter_context(FaultyBackend(f"http://127.0.0.1:{port}"))
            for port in (self.ports.honeycomb, self.ports.rollbar)
        )
        variables = dict(self.agent_settings.environment[self.container_name])
        for variable, port, server in (
            (Variable.OTEL_EXPORTER_OTLP_ENDPOINT, self.ports.honeycomb, self.honeycomb),
            (Variable.ROLLBAR_ENDPOINT, self.ports.rollbar, self.rollbar),
        ):
            variables[variable] = variables[variable].replace(f":{port}", f":{server.port}")
        self.set_addresses(variables)
        self.quicken()
        self.settle()

    @cached_property
    def baseline(self) -> str:
        """Return a revision with the deployed variables."""
        return self.register()

    @property
    def agent_settings(self) -> AgentSettings:
        return AgentSettings.load(self.folders.agent_settings)

    def set_addresses(self, variables: Mapping[str, str]) -> None:
        """Set what the next tasks get as addresses of the vendors, as a name server would."""
        settings = self.agent_settings
        environment = {**settings.environment, self.container_name: variables}
        ports = {*settings.host_ports, self.honeycomb.port, self.rollbar.port}
        replace(settings, environment=environment, host_ports=tuple(sorted(ports))).save(self.folders.agent_settings)

    def repair(self) -> None:
        """Have one new task of the first revision serve."""
        self.scale(minimum=1, maximum=3)
        self.update(self.baseline, desiredCount=1, forceNewDeployment=True)
        self.wait_until_stable()

    def run_new_task(self, task_definition: str | None = None) -> None:
        """Replace the task by one of this revision, or of the first one."""
        self.update(task_definition or self.baseline, forceNewDeployment=True)
        self.wait_until_stable()

    def secret_of(self, variable: Variable) -> str:
        """Return the ARN of the secret that a variable of the task has."""
        definition: Any = self.aws.ecs.describe_task_definition(taskDefinition=self.outputs[Output.TASK_DEFINITION])
        containers = definition["taskDefinition"]["containerDefinitions"]
        pairs = (pair for each in containers for pair in each.get("secrets", ()))
        return next(str(pair["valueFrom"]) for pair in pairs if pair["name"] == variable)

    @property
    def task_role(self) -> str:
        """Return the name of the role."""
        definition: Any = self.aws.ecs.describe_task_definition(taskDefinition=self.outputs[Output.TASK_DEFINITION])
        return str(definition["taskDefinition"]["taskRoleArn"]).rpartition("/")[2]


@contextmanager
def placeholders(deployment: VerifiedDeployment) -> Iterator[None]:
    """Run a task whose keys have never been filled in."""
    secrets = deployment.aws.secrets
    arns = [deployment.secret_of(each) for each in (Variable.HONEYCOMB_API_KEY, Variable.ROLLBAR_ACCESS_TOKEN)]
    values = {arn: secrets.get_secret_value(SecretId=arn)["SecretString"] for arn in arns}
    for arn in arns:
        secrets.put_secret_value(SecretId=arn, SecretString=SECRET_PLACEHOLDER)
    try:
        deployment.run_new_task()
        yield
    finally:
        for arn, value in values.items():
            secrets.put_secret_value(SecretId=arn, SecretString=value)


@contextmanager
def faulty(deployment: VerifiedDeployment, fault: Fault) -> Iterator[None]:
    """Have Honeycomb and Rollbar fail."""
    backends = (deployment.honeycomb, deployment.rollbar)
    for each in backends:
        each.break_by(fault)
    try:
        yield
    finally:
        for each in backends:
            each.heal()


@contextmanager
def another_region(deployment: VerifiedDeployment) -> Iterator[None]:
    """Have Honeycomb's region refuse the keys, which its other region accepts as before."""
    url = f"http://127.0.0.1:{deployment.ports.honeycomb}/settings"
    requests.post(url, json={"accepted_keys": [], "accepted_read_keys": []}, timeout=10).raise_for_status()
    try:
        yield
    finally:
        requests.post(url, json={}, timeout=10).raise_for_status()


@contextmanager
def unresolvable(deployment: VerifiedDeployment) -> Iterator[None]:
    """Run a task that looks for the vendors at names without an address."""
    variables = deployment.agent_settings.environment[deployment.container_name]
    addresses: dict[str, str] = {
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT: "http://api.honeycomb.invalid",
        Variable.ROLLBAR_ENDPOINT: "http://api.rollbar.invalid/api/1/",
    }
    deployment.set_addresses({**variables, **addresses})
    try:
        deployment.run_new_task()
        yield
    finally:
        deployment.set_addresses(variables)


@contextmanager
def revision(
    deployment: VerifiedDeployment,
    variables: Mapping[str, str] | None = None,
    **changes: Any,  # noqa: ANN401 - those of `register`
) -> Iterator[None]:
    """Run a task of a changed revision."""
    deployment.run_new_task(deployment.register(variables, **changes))
    yield


@contextmanager
def clock_ahead(deployment: VerifiedDeployment) -> Iterator[None]:
    """Run a task whose clock is an hour ahead."""
    [task] = deployment.tasks()
    command = inspect(deployment.engine_name(task, deployment.container_name))["Config"]["Cmd"]
    with revision(deployment, container={"command": ["python", "-c", CLOCK, *command]}):
        yield


@contextmanager
def stopped_sidecar(deployment: VerifiedDeployment) -> Iterator[None]:
    """End a sidecar that is not started again."""
    with revision(deployment, sidecar={"restartPolicy": {"enabled": False}}):
        [task] = deployment.tasks()
        docker("kill", deployment.engine_name(task, XRAY_DAEMON_CONTAINER_NAME))

        def stopped() -> bool:
            [found] = deployment.tasks()
            return any(
                each["name"] == XRAY_DAEMON_CONTAINER_NAME and each["lastStatus"] == "STOPPED"
                for each in found["containers"]
            )

        deployment.wait(stopped, deployment.explain)
        yield


@contextmanager
def denied(deployment: VerifiedDeployment, action: str) -> Iterator[None]:
    """Take an action out of the task role."""
    with without(action, deployment.task_role, deployment.client("iam")):
        yield


@contextmanager
def denied_from_its_start(deployment: VerifiedDeployment, action: str) -> Iterator[None]:
    """Run a task whose role has never allowed an action."""
    with denied(deployment, action):
        deployment.run_new_task()
        yield


@contextmanager
def another_environment(deployment: VerifiedDeployment) -> Iterator[None]:
    """Have the load balancer reach a task of another environment, which has a log group of its own."""
    group = f"{deployment.outputs[Output.LOG_GROUP]}-prod"
    deployment.aws.logs.create_log_group(logGroupName=group)
    try:
        variables: dict[str, str] = {Variable.DEPLOYMENT_ENVIRONMENT: "prod", Variable.CLOUDWATCH_LOG_GROUP: group}
        with revision(deployment, variables):
            yield
    finally:
        deployment.aws.logs.delete_log_group(logGroupName=group)


@contextmanager
def unhealthy(deployment: VerifiedDeployment) -> Iterator[None]:
    """Have the load balancer check a path that the application does not have."""
    elbv2, group = deployment.aws.elbv2, deployment.outputs[Output.TARGET_GROUP]
    [described] = elbv2.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    # ECS would replace the task, and the load balancer have none that it could send requests to.
    deployment.update(healthCheckGracePeriodSeconds=600)
    elbv2.modify_target_group(TargetGroupArn=group, HealthCheckPath="/missing")
    try:
        deployment.wait(
            lambda: any(
                each["TargetHealth"].get("State") == "unhealthy"
                for each in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
            ),
            deployment.explain,
        )
        yield
    finally:
        elbv2.modify_target_group(TargetGroupArn=group, HealthCheckPath=described["HealthCheckPath"])
        deployment.update(healthCheckGracePeriodSeconds=GRACE_SECONDS)


@contextmanager
def old_task(deployment: VerifiedDeployment) -> Iterator[None]:
    """Deploy a version whose task does not become healthy, so that the one before serves."""
    version = deployment.register({Variable.SERVICE_VERSION: "2.0.0"}, container={"healthCheck": UNHEALTHY})
    deployment.update(version)
    deployment.wait(
        lambda: any(
            each["taskDefinitionArn"] == version and each["lastStatus"] == "RUNNING" for each in deployment.tasks()
        ),
        deployment.explain,
    )
    yield
