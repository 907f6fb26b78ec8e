"""`docker compose up --wait` starts compose.yaml as it stands; only images that cannot be pulled are stand-ins."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import requests
import yaml

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, XRAY_DAEMON_PORT
from tests.container.compose import COMPOSE_FILE, services
from tests.containers.conftest import Images, Report
from tests.containers.containers import free_port
from tests.containers.engine import docker, has_image
from tests.sample import CRUDDUR

pytestmark = [pytest.mark.timeout(900), pytest.mark.allow_hosts(["127.0.0.1"])]

DAEMON: Final = f"""
import socket
with socket.socket(type=socket.SOCK_DGRAM) as server:
    server.bind(("", {XRAY_DAEMON_PORT}))
    while True:
        print(server.recv(65_536).decode().partition("\\n")[2], flush=True)
"""
"""Print the documents that arrive: a stand-in for the X-Ray daemon, on its port."""


@dataclass(frozen=True, slots=True)
class Project:
    """The project of compose.yaml, with images that are there already."""

    files: tuple[Path, ...]
    environ: dict[str, str]
    daemon_is_stand_in: bool

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        files = [each for file in self.files for each in ("--file", str(file))]
        # The developer's own .env, with keys, is not read.
        name = f"onetrace-test-{os.getpid()}"  # others may use the same engine
        command = ["docker", "compose", "--project-name", name, "--env-file", os.devnull, *files, *arguments]
        process = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=200, check=False)
        assert not check or process.returncode == 0, process.stdout + process.stderr
        return process

    def container(self, service: str) -> dict[str, object]:
        [line] = self.run("ps", "--all", "--format", "json", service).stdout.splitlines()
        document: dict[str, object] = json.loads(line)
        return document

    def log_lines(self, service: str) -> list[str]:
        """Return what the service's container has printed. Compose itself mixes control sequences into it."""
        process = docker("logs", str(self.container(service)["ID"]))
        return (process.stdout + process.stderr).splitlines()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environ['PORT']}"


def daemon_override(images: Images, report: Report) -> dict[str, object]:
    """Return what replaces the daemon's image where it cannot be pulled."""
    name = services({})[XRAY_DAEMON_CONTAINER_NAME]["image"]
    if has_image(name) or docker("pull", "--quiet", name, seconds=300, check=False).returncode == 0:
        return {}
    report.base_images.stand_ins[name] = "a Python program that prints the segments"
    return {"image": images.base, "entrypoint": ["python", "-c", DAEMON], "command": []}


@pytest.fixture
def project(images: Images, report: Report, tmp_path: Path) -> Iterator[Project]:
    daemon = daemon_override(images, report)
    override = {"services": {CRUDDUR.container_name: {"image": images.sample}, XRAY_DAEMON_CONTAINER_NAME: daemon}}
    file = tmp_path / "override.yaml"
    file.write_text(yaml.safe_dump(override), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name in {"PATH", "HOME"}}
    environ = {**kept, "PORT": str(free_port()), "AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake"}
    project = Project((COMPOSE_FILE, file), environ, daemon_is_stand_in=bool(daemon))
    try:
        yield project
    finally:
        project.run("down", "--volumes", "--timeout", "5", check=False)


def test_the_service_is_healthy_traces_requests_and_ends_in_order(project: Project) -> None:
    project.run("up", "--wait", "--no-build")
    response = requests.get(f"{project.url}/api/activities/home", timeout=10)
    trace_id = response.headers["X-Trace-Id"]
    assert response.status_code == 200
    # The fault route of the tutorial, which compose.yaml turns on.
    assert requests.get(f"{project.url}/api/fault", timeout=10).status_code == 500
    project.run("stop", CRUDDUR.container_name)
    assert project.container(CRUDDUR.container_name)["ExitCode"] == 0
    assert any(trace_id in line for line in project.log_lines(CRUDDUR.container_name))
    assert project.container(XRAY_DAEMON_CONTAINER_NAME)["State"] == "running"
    if project.daemon_is_stand_in:
        documents = project.log_lines(XRAY_DAEMON_CONTAINER_NAME)
        assert f"1-{trace_id[:8]}-{trace_id[8:]}" in {json.loads(each)["trace_id"] for each in documents}


def test_the_file_as_it_stands_is_valid(project: Project) -> None:
    project.run("config", "--quiet")


def test_the_services_container_is_restricted_as_the_task_definition_restricts_it(project: Project) -> None:
    project.run("up", "--wait", "--no-build", CRUDDUR.container_name)
    container = project.run("ps", "--quiet", CRUDDUR.container_name).stdout.strip()
    [document] = json.loads(docker("inspect", container).stdout)
    host = document["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["SecurityOpt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    ports = [each["HostIp"] for each in document["NetworkSettings"]["Ports"]["4567/tcp"]]
    assert ports == ["127.0.0.1"]
