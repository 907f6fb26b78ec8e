"""Deploy the image and the stacks, so that the emulated ECS runs the containers, and smoke-test what serves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import ROLLBAR_API, XRAY_DAEMON_CONTAINER_NAME, XRAY_DAEMON_PORT, Variable
from local.backing_services import console, fakes, postgresql
from local.backing_services.emulated_aws import EmulatedAws
from local.containers.settings import EVERY_CONTAINER, AgentSettings, BeforeStart
from local.deploy import cdk, fake_keys, helper_images, sources
from local.deploy.docker_engine import Engine
from local.deploy.helper_images import HelperImages
from local.deploy.image import Image
from local.service import revision
from local.service.deployment import redeploy, roll_back, watched
from local.service.env_overrides import differences
from local.service.host_ports import host_ports
from local.service.rollout import load_balancer_url, log_group, resolved
from local.service.task import ResolvedTask
from local.service.variables import local_values, overrides, store_secrets
from local.smoke_test.run import Target, smoke_test
from local.workspace.interrupts import deferred_interrupts
from local.workspace.ports import LOOPBACK
from local.workspace.session import Session
from local.workspace.state import DeployedService, FakePorts
from operations.errors import OperatorError

DAEMON_CONFIGURATION: Final = "/etc/amazon/xray/cfg.yaml"
"""Where the X-Ray daemon looks for its configuration: it has no variable and no option for the address of X-Ray
("Configuring the AWS X-Ray daemon", AWS X-Ray Developer Guide)."""
ADDRESSES: Final = (Variable.OTEL_EXPORTER_OTLP_ENDPOINT, Variable.ROLLBAR_ENDPOINT, Variable.TRACE_URL)


def ensure(session: Session, aws: EmulatedAws, engine: Engine, code: str, image: Image) -> None:
    """Deploy what has changed, and return once the service is stable and passes the smoke test.

    Raises `OperatorError`: then what ran before gets the requests again.
    """
    helpers = helper_images.ensure(session, engine)
    values = local_values(session.application, postgresql.ensure(session))
    ports = fakes.ensure(session, aws, daemon=False)
    settings = agent_settings(session, aws, ports, helpers, values)
    settings.save(session.folders.agent_settings)
    store_secrets(session, aws, values)
    before, since = session.state.containers, time.time()
    with _rolled_back_on_failure(session, aws, before):
        up_to_date = session.state.stacks == (source := sources.digest(session.application, code))
        with watched(session, aws):
            cdk.deploy(session, aws, image, source, between=lambda: fake_keys.ensure(session, aws))
            task_definition = revision.current(aws, session.state.outputs)
            task = resolved(aws, revision.spec_of(aws, session.state.outputs, task_definition))
            service = DeployedService(task_definition=task_definition, identity=_identity(settings, task))
            if up_to_date and before is not None and before.identity != service.identity:
                redeploy(session, aws)
        if before is None:
            _report(session, settings, task)
        logs = log_group(session, aws, task)
        smoke_test(session, aws, ports, Target(load_balancer_url(session), task.environment, logs, since, log=None))
        session.state.containers = service
        session.save()


def agent_settings(
    session: Session, aws: EmulatedAws, ports: FakePorts, helpers: HelperImages, values: Mapping[str, str]
) -> AgentSettings:
    """Return what differs in the containers of this machine from those of AWS."""
    application = session.application
    own = overrides(application, values)
    addresses: dict[str, str] = {
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT: f"http://{LOOPBACK}:{ports.honeycomb}",
        Variable.ROLLBAR_ENDPOINT: f"http://{LOOPBACK}:{ports.rollbar}{urlsplit(ROLLBAR_API).path}",
        Variable.TRACE_URL: console.trace_url(session),
    }
    before_start = application.local.before_start
    # What a variable says of a port that the task itself listens on is of the task.
    named, own_ports = host_ports(values.values()), {application.port, XRAY_DAEMON_PORT}
    return AgentSettings(
        relay_image=helpers.relay,
        images=helpers.stand_ins,
        environment={
            EVERY_CONTAINER: {"AWS_ENDPOINT_URL": aws.endpoint},
            application.container_name: {**addresses, **own},
        },
        files={XRAY_DAEMON_CONTAINER_NAME: {DAEMON_CONFIGURATION: f"Version: 2\nEndpoint: {aws.endpoint}\n"}},
        host_ports=tuple(sorted({aws.port, ports.honeycomb, ports.rollbar, *named - own_ports})),
        before_start=None
        if before_start is None
        # It may create what the stacks of AWS do not: a queue, a table.
        else BeforeStart(container=application.container_name, command=before_start, environment=aws.credentials),
    )


def _identity(settings: AgentSettings, task: ResolvedTask) -> str:
    """Return a digest of what the tasks got at their start beside the task definition."""
    parts = (sorted(asdict(settings).items(), key=str), sorted(task.environment.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@contextmanager
def _rolled_back_on_failure(session: Session, aws: EmulatedAws, before: DeployedService | None) -> Iterator[None]:
    """Have the service run what ran before, also where CloudFormation has already deployed the next version."""
    try:
        yield
    except BaseException:
        if before is not None:
            with deferred_interrupts():
                try:
                    roll_back(session, aws, before.task_definition)
                except (BotoCoreError, ClientError, OperatorError) as error:
                    session.report.line(f"  Rolling back failed: {error}. Run make down, then make up.")
        raise


def _report(session: Session, settings: AgentSettings, task: ResolvedTask) -> None:
    say = session.report.line
    say(f"    {task.spec.task_definition.rpartition('/')[2]} runs in containers; what differs from AWS:")
    say(f"      AWS_ENDPOINT_URL={settings.environment[EVERY_CONTAINER]['AWS_ENDPOINT_URL']} in each container (added)")
    variables = settings.environment[session.application.container_name]
    addresses: dict[str, str] = {name: variables[name] for name in ADDRESSES}
    for line in differences(task.environment, addresses):
        say(f"      {line}")
    if own := [name for name in variables if name not in addresses]:
        # Without their values: a database's URL has its password.
        say(f"      from [local] of the description: {', '.join(own)}")
    ports = ", ".join(map(str, settings.host_ports))
    say(f"      {LOOPBACK} of the task leads to these ports of this machine: {ports}")
    for container, files in settings.files.items():
        for path, text in files.items():
            say(f"      {path} of {container} (added): {', '.join(text.splitlines())}")
    for name, image in settings.images.items():
        say(f"      {image} runs in place of {name}")
