from __future__ import annotations

import io
from pathlib import Path

import pytest

from infra.xray_daemon_image import IMAGE
from local.deploy import helper_images
from local.deploy.docker_engine import Engine
from local.workspace.errors import FailedStepError
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import DeployedService
from operations.errors import OperatorError
from tests.local.deploy.fake_docker import FakeDocker

UNREACHABLE = {"err": "Using default tag\nlookup public.ecr.aws: no such host\n", "exit": 1}
PULLS = {"adds": True}


class Machine:
    """A fake docker program, and sources of which only their owner can read one."""

    def __init__(self, folder: Path, docker: FakeDocker) -> None:
        self.docker = docker
        self.out = io.StringIO()
        self.engine = Engine(socket=docker.socket, version="27.5.1")
        self.folders = Folders(folder / "state")
        self.folders.make()
        self.relay = "relay"

    def stage(self, target: Path) -> Path:
        """Stand in for `stage_context`."""
        (target / "images").mkdir(mode=0o700)
        (target / "images" / "Dockerfile").write_text("FROM python AS relay", encoding="utf-8")
        (target / "images" / "relay.py").touch(mode=0o600)
        (target / "images" / "relay.py").write_text(self.relay, encoding="utf-8")
        return target / "images" / "Dockerfile"

    def ensure(self, *, deployed: bool = False) -> helper_images.HelperImages:
        session = Session.fresh(self.folders, self.docker.install(), Report(self.out))
        session.state.containers = DeployedService(task_definition="td:1", identity="1") if deployed else None
        return helper_images.ensure(session, self.engine)


@pytest.fixture
def machine(tmp_path: Path, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path, docker)
    monkeypatch.setattr(helper_images, "stage_context", machine.stage)
    return machine


def test_the_relay_is_built_and_the_public_daemon_pulled(machine: Machine) -> None:
    machine.docker.answers["pull"] = PULLS

    images = machine.ensure()

    assert images.relay.startswith("onetrace-local/relay:")
    assert images.stand_ins == {}
    assert "X-Ray daemon: the public image\n" in machine.out.getvalue()


def test_where_the_daemon_cannot_be_pulled_its_stand_in_is_built_with_the_reason(machine: Machine) -> None:
    machine.docker.answers["pull"] = UNREACHABLE

    images = machine.ensure()

    assert list(images.stand_ins) == [IMAGE]
    assert images.stand_ins[IMAGE].startswith("onetrace-local/xray-daemon:")
    assert (
        "X-Ray daemon: this project's stand-in, as the public image cannot be pulled "
        "(lookup public.ecr.aws: no such host)\n"
    ) in machine.out.getvalue()


def test_images_that_the_engine_has_are_neither_built_nor_pulled(machine: Machine) -> None:
    machine.docker.answers["pull"] = PULLS
    first, commands = machine.ensure(), len(machine.docker.commands)

    assert machine.ensure() == first
    assert {each.partition(" --")[0].split()[0] for each in machine.docker.commands[commands:]} == {"image"}


def test_an_update_keeps_the_stand_in_without_another_attempt_to_pull(machine: Machine) -> None:
    machine.docker.answers["pull"] = UNREACHABLE
    first, commands = machine.ensure(), len(machine.docker.commands)

    assert machine.ensure(deployed=True) == first
    assert not any(each.startswith("pull") for each in machine.docker.commands[commands:])


def test_a_changed_source_is_another_image(machine: Machine) -> None:
    machine.docker.answers["pull"] = PULLS
    before = machine.ensure()
    machine.relay = "changed"

    assert machine.ensure().relay != before.relay


def test_every_user_can_read_what_is_in_the_images(machine: Machine) -> None:
    machine.docker.answers["pull"] = PULLS

    machine.ensure()

    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in machine.docker.context.rglob("*")}
    assert modes == {"images": "0o755", "Dockerfile": "0o644", "relay.py": "0o644"}
    [build] = [each for each in machine.docker.commands if each.startswith("build")]
    assert build.endswith("--target relay --file images/Dockerfile .")


def test_a_failed_build_has_its_last_lines(machine: Machine) -> None:
    machine.docker.answers["build"] = {"err": "failed to solve: public.ecr.aws: no such host\n", "exit": 1}

    with pytest.raises(FailedStepError, match=r"docker build failed \(exit 1\)") as error_info:
        machine.ensure()
    assert error_info.value.lines == ["failed to solve: public.ecr.aws: no such host"]


def test_a_build_that_hangs_times_out(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper_images, "BUILD_SECONDS", 0.2)
    machine.docker.answers["build"] = {"sleep": 30}

    with pytest.raises(FailedStepError, match=r"timeout after 0\.2 s"):
        machine.ensure()


def test_a_builder_that_keeps_the_image_to_itself_is_an_error_with_a_remedy(machine: Machine) -> None:
    machine.docker.answers["build"] = {}

    with pytest.raises(OperatorError, match="left no image in the engine") as error_info:
        machine.ensure()
    assert "docker buildx use default" in error_info.value.remedy


def test_the_images_are_made_by_the_engine_that_runs_them(machine: Machine) -> None:
    machine.docker.answers["pull"] = PULLS
    session = Session.fresh(machine.folders, machine.docker.install(DOCKER_HOST="tcp://there"), Report(machine.out))

    helper_images.ensure(session, machine.engine)

    assert set(machine.docker.hosts) == {f"unix://{machine.engine.socket}"}
