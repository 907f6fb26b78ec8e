from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import boto3
import pytest
from flask import Flask, Response, request
from werkzeug.test import Client

from flask_onetrace.contract import Output, Variable
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.wsgi import observed_app
from local.backing_services.emulated_aws import FAKE_KEY, FAKE_KEY_ID, REGION, EmulatedAws
from local.deploy.cdk import QUIET
from local.fakes.server import LocalServer
from local.request_guard.decision import LOOPBACK_NAMES, Policy
from local.service.rollout import deployed_task
from local.service.target_group import set_target
from operations.roll_back import INSTALLED
from service.factory import create_app
from tests.local.conftest import emulated_aws
from tests.sample import names_of
from tests.workflows.workflow import ROOT

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

__all__ = ["emulated_aws"]

UNCOPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".local", ".peers", "node_modules", "cdk.out", "dist", "__pycache__", ".*_cache", "docs", "bench"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the working tree, with the dependencies that are installed here."""
    folder = tmp_path_factory.mktemp("workflow") / "checkout"
    shutil.copytree(ROOT, folder, ignore=UNCOPIED)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    commit(folder, "v1.0.0")
    for name in INSTALLED:
        (folder / name).symlink_to((ROOT / name).resolve())
    return folder


def git(folder: Path, *arguments: str) -> None:
    identity = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder), **identity}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True)


def commit(folder: Path, version: str) -> None:
    """Make a commit of this version, and check it out."""
    git(folder, "commit", "--quiet", "--allow-empty", "--message", version)
    git(folder, "tag", version)


@pytest.fixture(scope="module")
def load_balancer(emulated_aws: EmulatedAws) -> Iterator[LocalServer]:
    """What the DNS names of load balancers lead to: the embedded AWS, which knows them by local names only."""
    relay = Flask("load balancer")

    @relay.get("/<path:path>")
    def forward(path: str) -> Response:
        name = request.host.partition(".")[0].rpartition("-")[0]
        headers = {"Host": f"{name}.alb.localhost:{emulated_aws.port}"}
        if traceparent := request.headers.get("traceparent"):
            headers["traceparent"] = traceparent
        # Not requests: the service, which runs in this process too, replaces its trace context.
        with closing(HTTPConnection("127.0.0.1", emulated_aws.port, timeout=60)) as connection:
            connection.request("GET", f"/{path}", headers=headers)
            received = connection.getresponse()
            return Response(received.read(), received.status, headers=dict(received.headers))

    with closing(LocalServer(relay, policy=Policy(r"[\w.-]+\.elb\.amazonaws\.com"))) as server:
        yield server


@pytest.fixture(scope="module")
def variables(
    emulated_aws: EmulatedAws, load_balancer: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The variables of a job in the embedded AWS, with the credentials that the action would set."""
    home = tmp_path_factory.mktemp("home")
    return {
        **QUIET,
        **emulated_aws.variables,
        "CDK_HOME": str(home),
        "HOME": str(home),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ.get(
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(Path.home() / ".cache/aws/jsii/package-cache")
        ),
        "PYTHONPATH": str(Path(__file__).parent / "loopback"),
        "LOAD_BALANCER_PORT": str(load_balancer.port),
    }


@pytest.fixture(scope="module")
def bootstrapped(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    cdk = str(ROOT / "node_modules" / ".bin" / "cdk")
    subprocess.run(
        [cdk, "bootstrap", "aws://000000000000/us-east-1"],
        cwd=tmp_path_factory.mktemp("bootstrap"),
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        timeout=100,
        check=True,
    )


class Tasks:
    """What ECS would run: the service of the deployed task definition, a target of the deployed load balancer.

    The versions of `broken` start, and fail their health check.
    """

    def __init__(self, aws: EmulatedAws) -> None:
        self._aws = aws
        self._apps: dict[str, Flask] = {}
        self.broken: set[str] = set()
        router = Flask("tasks")
        router.add_url_rule("/<path:path>", view_func=self._forward)
        # The load balancer forwards the host that the client names.
        self._server = LocalServer(router, policy=Policy(rf"{LOOPBACK_NAMES}|[\w-]+\.alb\.localhost"))

    def _forward(self, path: str) -> Response:
        """Answer as the deployed task would."""
        environment = {**deployed_task(self._aws, self.outputs()).environment}
        version = environment[Variable.SERVICE_VERSION]
        if version in self.broken:
            return Response("out of order", status=503)
        if version not in self._apps:
            # No sink is on, as no key is: what is left of AWS is switched off here.
            environment.pop(Variable.AWS_XRAY_DAEMON_ADDRESS)
            environment.pop(Variable.CLOUDWATCH_LOG_GROUP)
            settings = Settings.from_env(environment)
            with patch("flask_onetrace.wsgi.load_app", return_value=create_app(settings)):  # of this task's settings
                self._apps[version] = observed_app(settings)
        received = Client(self._apps[version]).get(f"/{path}", headers=list(request.headers))
        return Response(received.data, received.status_code, headers=received.headers)

    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self._stack()["Outputs"]}

    def _stack(self) -> StackTypeDef:
        client = boto3.client(
            "cloudformation",
            endpoint_url=self._aws.endpoint,
            region_name=REGION,
            aws_access_key_id=FAKE_KEY_ID,
            aws_secret_access_key=FAKE_KEY,
        )
        return client.describe_stacks(StackName=names_of("dev").service_stack)["Stacks"][0]

    def register(self, command: str) -> None:
        """Become the target of the load balancer that `make deploy` has created."""
        if command.startswith("make deploy "):
            set_target(self._aws.elbv2, self.outputs()[Output.TARGET_GROUP], self._server.port)

    def close(self) -> None:
        self._server.close()
        for app in self._apps.values():
            app.extensions[EXTENSION].shutdown()


@pytest.fixture(scope="module")
def tasks(emulated_aws: EmulatedAws) -> Iterator[Tasks]:
    with closing(Tasks(emulated_aws)) as running:
        yield running
