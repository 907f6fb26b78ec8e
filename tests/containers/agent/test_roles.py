"""The agent pulls images, reads secrets and writes logs with the task's execution role, and fails as Fargate does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest
from docker.errors import NotFound

from local.containers.launch import Credentials, RoleError
from tests.containers.agent.rig import ACCOUNT, EXECUTION_ROLE, LOGS, REGION, TASK_ROLE, Rig


@pytest.fixture
def image(rig: Rig) -> Iterator[str]:
    """An image of the emulated registry, as a task definition names it."""
    ecr = rig.client("ecr")
    name = f"app-{uuid4().hex[:8]}"
    uri = f"{ecr.create_repository(repositoryName=name)['repository']['repositoryUri']}:one"
    rig.engine.images.get(rig.image).tag(uri)
    for progress in rig.engine.api.push(
        uri, stream=True, decode=True, auth_config={"username": "AWS", "password": "x"}
    ):
        assert "error" not in progress, progress
    rig.engine.images.remove(uri)
    yield f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}:one"
    with suppress(NotFound):
        rig.engine.images.remove(uri)


def test_secrets_and_parameters_are_variables(rig: Rig) -> None:
    secrets, ssm, tag = rig.client("secretsmanager"), rig.client("ssm"), uuid4().hex
    whole = secrets.create_secret(Name=f"key-{tag}", SecretString="s3cret")["ARN"]
    parts = secrets.create_secret(Name=f"login-{tag}", SecretString='{"user": "ada", "port": 5432}')["ARN"]
    ssm.put_parameter(Name=f"/web/{tag}", Value="from ssm", Type="SecureString")
    app = {
        "secrets": [
            {"name": "KEY", "valueFrom": whole},
            {"name": "LOGIN_USER", "valueFrom": f"{parts}:user::"},
            {"name": "LOGIN_PORT", "valueFrom": f"{parts}:port:AWSCURRENT:"},
            {"name": "PARAMETER", "valueFrom": f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/web/{tag}"},
            {"name": "BY_NAME", "valueFrom": f"/web/{tag}"},
        ]
    }
    with rig.running(rig.definition(app)) as task:
        task.reports.until("running")
        names = [each["name"] for each in app["secrets"]]
        seen = task.json("app", f"import json, os; print(json.dumps([os.environ[n] for n in {names}]))")
    assert seen == ["s3cret", "ada", "5432", "from ssm", "from ssm"]
    assert "s3cret" not in repr(task.reports.events) + repr(task.launch)


@pytest.mark.parametrize("suffix", [":missing::", ""])
def test_a_secret_that_cannot_be_read_fails_the_start(rig: Rig, suffix: str) -> None:
    arn = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:none-AbCdEf"
    if suffix:
        arn = rig.client("secretsmanager").create_secret(Name=uuid4().hex, SecretString='{"user": "s3cret"}')["ARN"]
    reports = rig.ended(rig.definition({"secrets": [{"name": "KEY", "valueFrom": f"{arn}{suffix}"}]}))
    code, reason = reports.stop
    assert code == "TaskFailedToStart"
    assert reason.startswith("ResourceInitializationError: unable to pull secrets or registry auth: ")
    assert ("did not contain json key missing" if suffix else "ResourceNotFoundException") in reason
    assert "s3cret" not in reason


def test_an_image_is_pulled_from_the_emulated_registry(rig: Rig, image: str) -> None:
    with rig.running(rig.definition({"image": image})) as task:
        task.reports.until("running")
        assert task.reports.containers["app"].image_digest.startswith("sha256:")


def test_an_image_that_the_registry_does_not_have_fails_the_start(rig: Rig, image: str) -> None:
    reports = rig.ended(rig.definition({"image": image.replace(":one", ":two")}))
    assert reports.stop[0] == "TaskFailedToStart"
    assert reports.stop[1].startswith("CannotPullContainerError: ")
    assert image.replace(":one", ":two") in reports.stop[1]


def test_an_image_of_another_architecture_is_refused(rig: Rig) -> None:
    platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
    reports = rig.ended(rig.definition({}, runtimePlatform=platform))
    assert "is an image for amd64, and the task definition's runtimePlatform is ARM64" in reports.stop[1]


def test_a_stand_in_replaces_an_image_that_no_registry_provides(rig: Rig, helper_images: dict[str, str]) -> None:
    name = "registry.invalid/xray/aws-xray-daemon:3.7.0"
    replace(rig.settings, images={name: helper_images["xray-daemon"]}).save(rig.settings_file)
    daemon = {
        "name": "xray-daemon",
        "image": name,
        "command": ["--local-mode", "--log-level", "warn", "--buffer-memory", "32"],
        "user": "65534:65534",
        "readonlyRootFilesystem": True,
        "memory": 128,
        "cpu": 32,
        "stopTimeout": 30,
    }
    trace = f"1-{int(time.time()):08x}-{uuid4().hex[:24]}"
    segment = f'{{"name": "web", "id": "{uuid4().hex[:16]}", "trace_id": "{trace}", "start_time": 1, "end_time": 2}}'
    send = (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        f'.sendto(b\'{{"format": "json", "version": 1}}\\n\' + {segment.encode()!r}, (\'127.0.0.1\', 2000))'
    )
    with rig.running(rig.definition({}, daemon)) as task:
        task.reports.until("running")
        answers = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:2000/daemon').status)"
        task.reports.wait(lambda: task.container("app").exec_run(["python", "-c", answers]).exit_code == 0)
        task.python("app", send)
        task.reports.wait(lambda: rig.client("xray").batch_get_traces(TraceIds=[trace])["Traces"])
        task.stop()
        assert task.until_ended().containers["xray-daemon"].exit_code == 0


def test_a_log_group_that_does_not_exist_fails_the_start(rig: Rig) -> None:
    logs = {**LOGS, "options": {**LOGS["options"], "awslogs-group": "none"}}  # type: ignore[dict-item] # the options are a map
    reports = rig.ended(rig.definition({"logConfiguration": logs}))
    assert reports.stop[0] == "TaskFailedToStart"
    assert "failed to create Cloudwatch log stream: ResourceNotFoundException" in reports.stop[1]


@pytest.mark.parametrize("refused", [TASK_ROLE, EXECUTION_ROLE])
def test_a_role_that_cannot_be_assumed_fails_the_start(rig: Rig, refused: str) -> None:
    def assume_role(role: str, session: str) -> Credentials:
        if role == refused:
            raise RoleError(f"ECS was unable to assume the role '{role}'")
        return Credentials(ACCOUNT, session, "", time.time() + 3600)

    object.__setattr__(rig.agent._host, "assume_role", assume_role)
    reports = rig.ended(rig.definition({"logConfiguration": LOGS}))
    assert reports.stop == ("TaskFailedToStart", f"ECS was unable to assume the role '{refused}'")
