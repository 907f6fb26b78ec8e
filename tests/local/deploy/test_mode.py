from __future__ import annotations

import pytest

from local.deploy import mode
from local.deploy.docker_engine import Engine
from local.deploy.mode import ProcessMode
from operations.errors import OperatorError
from tests.local.deploy.fake_docker import FakeDocker

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.mark.parametrize("choice", ["", " ", "containers"])
def test_containers_run_where_an_engine_can_run_them(docker: FakeDocker, choice: str) -> None:
    chosen = mode.choose(docker.install(LOCAL_MODE=choice))

    assert isinstance(chosen, Engine)
    assert chosen.socket == docker.socket


def test_the_mode_is_described_with_the_engine_or_the_reason(docker: FakeDocker) -> None:
    assert mode.describe(mode.choose(docker.install())) == f"containers of Docker Engine 27.5.1 at {docker.socket}"
    assert mode.describe(ProcessMode("LOCAL_MODE=process")) == "a process: LOCAL_MODE=process"


def test_a_process_runs_where_no_engine_can_with_the_reason(docker: FakeDocker) -> None:
    docker.info["SecurityOptions"] = ["name=rootless"]

    chosen = mode.choose(docker.install())

    assert isinstance(chosen, ProcessMode)
    assert chosen.reason.startswith("The Docker engine is rootless")
    assert ". For containers: Select Docker Engine" in chosen.reason


def test_containers_that_cannot_run_are_an_error_with_the_reason_and_two_remedies(docker: FakeDocker) -> None:
    docker.answers["version"] = {"err": "Cannot connect\n", "exit": 1}

    with pytest.raises(OperatorError, match=r"does not respond \(Cannot connect\)") as error_info:
        mode.choose(docker.install(LOCAL_MODE="containers"))
    assert error_info.value.remedy == "Start it, or continue without containers: make up LOCAL_MODE=process"


def test_the_process_mode_runs_no_docker_command(docker: FakeDocker) -> None:
    assert mode.choose(docker.install(LOCAL_MODE="process")) == ProcessMode("LOCAL_MODE=process")
    assert docker.commands == []


@pytest.mark.parametrize("choice", ["container", "Process", "skip"])
def test_another_choice_is_an_error_that_names_it(choice: str) -> None:
    with pytest.raises(OperatorError, match=f"LOCAL_MODE='{choice}' is not valid"):
        mode.choose({"LOCAL_MODE": choice})


def test_the_former_setting_is_refused_with_the_new_one() -> None:
    with pytest.raises(OperatorError, match="LOCAL_IMAGE is no longer a setting") as error_info:
        mode.choose({"LOCAL_IMAGE": "skip"})
    assert "LOCAL_MODE=process" in error_info.value.remedy
