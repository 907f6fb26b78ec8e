"""An agent with a real engine, and an emulator of AWS that has no permissions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.containers.agent import ContainerAgent
from local.containers.engine import connect, deployment_of, remove_leftovers
from local.containers.images import stage_context
from local.containers.settings import AgentSettings
from tests.containers.agent.rig import LOG_GROUP, REGION, Rig, assume_role
from tests.containers.base_images import BaseImages
from tests.containers.engine import build, docker
from tests.local.emulator.conftest import running_emulator

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


@pytest.fixture(autouse=True)
def _sockets(socket_enabled: None) -> None:
    """Let the tests connect to the engine, the emulator and the tasks."""


@pytest.fixture(scope="session")
def engine(base_images: BaseImages) -> Iterator[DockerClient]:  # noqa: ARG001 - it fails where no engine responds
    host = os.environ.get("DOCKER_HOST", DEFAULT_SOCKET)
    with closing(connect(Path(host.removeprefix("unix://")))) as client:
        yield client


@pytest.fixture(scope="session")
def helper_images(base_images: BaseImages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The images of local/containers/images, by target, and `base`, which they are made from."""
    context = tmp_path_factory.mktemp("images")
    text = base_images.resolve(stage_context(context))
    names = {
        target: build(text, "--target", target, context=str(context), tag=f"onetrace-test/{target}")
        for target in ("relay", "xray-daemon")
    }
    base = next(line for line in text.splitlines() if line.startswith("FROM")).split()[1]
    yield {"base": base, **names}
    docker("image", "rm", "--force", *names.values(), check=False)


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    with running_emulator("--push-here") as endpoint:
        yield endpoint


@pytest.fixture
def rig(
    engine: DockerClient, helper_images: dict[str, str], emulator: str, tmp_path: Path, _sockets: None
) -> Iterator[Rig]:
    settings_file = tmp_path / "settings.json"
    settings = AgentSettings(
        relay_image=helper_images["relay"],
        environment={"": {"AWS_ENDPOINT_URL": emulator}},
        host_ports=(int(emulator.rpartition(":")[2]),),
    )
    settings.save(settings_file)
    log: list[str] = []
    agent = ContainerAgent(
        engine=engine,
        state_folder=tmp_path,
        settings_file=settings_file,
        endpoint=emulator,
        region=REGION,
        assume_role=assume_role,
        log=log.append,
    )
    rig = Rig(agent, engine, helper_images["base"], emulator, settings, settings_file, log)
    logs = rig.client("logs")
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=LOG_GROUP)
    try:
        yield rig
        agent.close()
        assert remove_leftovers(engine, deployment_of(tmp_path)) == 0
    finally:
        remove_leftovers(engine, deployment_of(tmp_path))
