"""A task's metadata and credentials are served on its own socket, at paths that cannot be guessed."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local.containers.launch import Credentials, RoleError
from local.containers.metadata import SOCKET, MetadataServer, port_for
from local.containers.roles import RoleCredentials

ROLE = "arn:aws:iam::000000000000:role/task"


class Documents:
    def task_metadata(self) -> dict[str, Any]:
        return {"TaskARN": "arn"}

    def container_metadata(self, name: str) -> dict[str, Any]:
        return {"Name": name}


class Roles:
    """Counts how often a role is assumed; credentials last for `seconds`."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 3600.0
        self.refused = False

    def assume(self, role: str, session: str) -> Credentials:
        if self.refused:
            raise RoleError(f"cannot assume {role}")
        self.calls += 1
        return Credentials(f"key-{self.calls}", "s3cret", session, time.time() + self.seconds)


@pytest.fixture
def roles() -> Roles:
    return Roles()


@pytest.fixture
def server(tmp_path: Path, roles: Roles) -> Iterator[MetadataServer]:
    with closing(MetadataServer(tmp_path, Documents(), RoleCredentials(roles.assume, ROLE, "task-id"))) as server:
        yield server


def get(folder: Path, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("169.254.170.2")
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.connect(str(folder / SOCKET))
        connection.sock = client
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def path_of(url: str) -> str:
    return url.removeprefix("http://169.254.170.2")


def test_each_container_finds_its_own_metadata_and_that_of_the_task(server: MetadataServer, tmp_path: Path) -> None:
    app, sidecar = server.variables("app"), server.variables("sidecar")
    base = path_of(app["ECS_CONTAINER_METADATA_URI_V4"])
    assert get(tmp_path, base) == (200, {"Name": "app"})
    assert get(tmp_path, f"{base}/task") == (200, {"TaskARN": "arn"})
    assert get(tmp_path, path_of(sidecar["ECS_CONTAINER_METADATA_URI_V4"])) == (200, {"Name": "sidecar"})


@pytest.mark.parametrize(
    "path", ["/", "/v4", "/v4/x", "/task", "/v2/credentials", "/v2/credentials/x", "//", "/v4//task"]
)
def test_another_path_has_nothing(server: MetadataServer, tmp_path: Path, path: str) -> None:
    server.variables("app")
    assert get(tmp_path, path) == (404, {"error": "unknown path"})


def test_credentials_are_kept_until_they_are_about_to_expire(server: MetadataServer, tmp_path: Path) -> None:
    path = server.variables("app")["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    status, document = get(tmp_path, path)
    assert (status, document["AccessKeyId"], document["Token"]) == (200, "key-1", "task-id")
    assert document["RoleArn"] == ROLE
    assert set(document) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert get(tmp_path, path)[1]["AccessKeyId"] == "key-1"


def test_credentials_that_are_about_to_expire_are_renewed(server: MetadataServer, tmp_path: Path, roles: Roles) -> None:
    roles.seconds = 60
    path = server.variables("app")["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
    assert [get(tmp_path, path)[1]["AccessKeyId"] for _ in range(2)] == ["key-1", "key-2"]


def test_a_role_that_cannot_be_assumed_any_more_is_an_error_of_the_request(
    server: MetadataServer, tmp_path: Path, roles: Roles
) -> None:
    roles.refused = True
    status, document = get(tmp_path, server.variables("app")["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"])
    assert (status, document["message"]) == (400, f"cannot assume {ROLE}")


@pytest.mark.parametrize("ports", [[], [8080], [80], [8080, 80]])
def test_a_task_that_listens_on_port_80_finds_both_on_another(tmp_path: Path, roles: Roles, ports: list[int]) -> None:
    port = port_for(ports)
    assert port not in ports
    with closing(MetadataServer(tmp_path, Documents(), RoleCredentials(roles.assume, ROLE, "task-id"), port)) as server:
        variables = server.variables("app")
        if 80 not in ports:
            assert variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"].startswith("/v2/")
            return
        address = f"http://169.254.170.2:{port}"
        assert variables.keys() == {"ECS_CONTAINER_METADATA_URI_V4", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
        paths = [url.removeprefix(address) for url in variables.values()]
        assert [get(tmp_path, path)[0] for path in paths] == [200, 200]


def test_a_task_without_a_role_has_no_credentials(tmp_path: Path) -> None:
    with closing(MetadataServer(tmp_path, Documents(), None)) as server:
        assert list(server.variables("app")) == ["ECS_CONTAINER_METADATA_URI_V4"]


def test_secrets_are_not_in_the_representation_of_credentials() -> None:
    assert "s3cret" not in repr(Credentials("key", "s3cret", "s3cret", 0))
