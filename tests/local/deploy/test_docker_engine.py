"""Which Docker engines run the deployed containers, and why the others do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.environments import LOCAL
from local.deploy import docker_command, docker_engine
from local.deploy.docker_engine import NoEngineError, find
from tests.local.deploy.fake_docker import FakeDocker

pytestmark = pytest.mark.usefixtures("socket_enabled")


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(NoEngineError) as error_info:
        find(environ)
    return error_info.value.problem


def test_a_suitable_engine_is_found_with_its_socket(docker: FakeDocker) -> None:
    engine = find(docker.install())

    assert engine.socket == docker.socket
    assert engine.version == "27.5.1"


def test_the_engine_of_a_socket_is_selected_for_the_docker_command() -> None:
    environ = {"DOCKER_HOST": "tcp://there", "PATH": "/bin"}

    assert docker_command.select(environ, Path("/run/x.sock")) == {"DOCKER_HOST": "unix:///run/x.sock", "PATH": "/bin"}


def test_without_a_docker_program_there_is_no_engine(tmp_path: Path) -> None:
    assert refusal({"PATH": str(tmp_path)}) == "There is no docker program on PATH"


def test_an_engine_that_is_not_running_is_reported_with_dockers_error(docker: FakeDocker) -> None:
    docker.answers["version"] = {"err": "WARNING: a plugin is odd\nCannot connect to unix:///x.sock\n", "exit": 1}

    assert refusal(docker.install()) == "The Docker engine does not respond (Cannot connect to unix:///x.sock)"


def test_an_engine_that_hangs_times_out(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_command, "TIMEOUT_SECONDS", 0.2)
    docker.answers["version"] = {"sleep": 30}

    assert refusal(docker.install()) == "The Docker engine does not respond (docker version timed out after 0.2 s)"


def test_a_program_that_cannot_be_executed_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / "docker").write_bytes(b"\x7fELF")
    (tmp_path / "docker").chmod(0o755)

    assert refusal({"PATH": str(tmp_path)}).startswith("The Docker engine does not respond (")


@pytest.mark.parametrize(
    "output",
    [
        "Docker version 27\n",
        "",
        "null",
        "[]",
        '{"Server": "27"}',
        '{"Server": {"ApiVersion": "latest", "Components": null}}',
        '{"Server": {"ApiVersion": "1.47", "Components": [{"Name": "Engine"}]}}',
        '{"Server": {"ApiVersion": "1.47", "Components": [{}]}}',
    ],
)
def test_a_program_that_prints_something_else_is_no_engine(docker: FakeDocker, output: str) -> None:
    docker.answers["version"] = {"out": output}

    assert refusal(docker.install()).startswith("The docker command's output is not a Docker engine's (")


def test_a_denied_permission_has_a_remedy(docker: FakeDocker) -> None:
    docker.answers["version"] = {"err": "permission denied while trying to connect: dial unix /x.sock\n", "exit": 1}

    with pytest.raises(NoEngineError, match=r"Permission denied by the Docker engine: .*x\.sock") as error_info:
        find(docker.install())
    assert "usermod" in error_info.value.remedy


def test_podmans_service_is_refused_by_name(docker: FakeDocker) -> None:
    # As the docker command of version 28 prints it, "Engine" included.
    names = ("Podman Engine", "Conmon", "OCI Runtime (/usr/sbin/runc)", "Engine")
    docker.server |= {"ApiVersion": "1.41", "Components": [{"Name": name, "Version": "4.3.1"} for name in names]}

    assert "not Docker's but Podman Engine 4.3.1" in refusal(docker.install())


@pytest.mark.parametrize("server", [None, {"APIVersion": "5.4.0", "Version": "5.4.0", "OsArch": "linux/amd64"}])
def test_podman_in_place_of_docker_is_refused_by_name(docker: FakeDocker, server: dict[str, Any] | None) -> None:
    docker.server = server or {}
    docker.answers["--version"] = {"out": "podman version 5.4.0\n", "err": "Emulate Docker CLI using podman.\n"}

    assert "not Docker's but podman version 5.4.0" in refusal(docker.install())


def test_an_engine_of_an_older_api_is_refused_with_both_versions(docker: FakeDocker) -> None:
    docker.server |= {"Version": "19.03.15", "ApiVersion": "1.40"}

    assert refusal(docker.install()) == "Docker 19.03.15 has version 1.40 of the API, older than 1.41"


def test_an_engine_that_reports_no_components_is_refused_by_its_api(docker: FakeDocker) -> None:
    docker.server = {"Version": "17.05.0-ce", "ApiVersion": "1.29", "Os": "linux", "Arch": "amd64"}

    assert refusal(docker.install()) == "Docker 17.05.0-ce has version 1.29 of the API, older than 1.41"


def test_windows_containers_are_refused(docker: FakeDocker) -> None:
    docker.server["Os"] = "windows"

    assert refusal(docker.install()) == "The Docker engine runs windows containers"


def test_another_architecture_than_the_task_definitions_is_refused(docker: FakeDocker) -> None:
    docker.server["Arch"] = "arm64"

    assert refusal(docker.install()) == "The Docker engine runs on arm64, and the task definition is for amd64"


def test_the_architecture_is_that_of_the_local_environment() -> None:
    assert ("arm64" if LOCAL.tasks.arm64 else "amd64") == docker_engine.ARCHITECTURE


@pytest.mark.parametrize(
    ("endpoint", "scheme"),
    [
        ("tcp://203.0.113.7:2376", "tcp"),
        ("ssh://somebody@build.example", "ssh"),
        ("npipe:////./pipe/docker_engine", "npipe"),
        ("fd://", "fd"),
    ],
)
def test_an_engine_elsewhere_is_refused_without_its_address(docker: FakeDocker, endpoint: str, scheme: str) -> None:
    docker.answers["context inspect"] = {"out": f"{endpoint}\n"}
    expected = f"The Docker engine's endpoint is not a unix socket ({scheme})"

    assert refusal(docker.install()) == expected
    assert refusal(docker.install(DOCKER_HOST=endpoint)) == expected
    assert not any(each.startswith("version") for each in docker.commands)


@pytest.mark.parametrize("output", ["", "[]\n", "<no value>\n"])
def test_a_command_without_contexts_names_no_socket(docker: FakeDocker, output: str) -> None:
    docker.answers["context inspect"] = {"out": output}

    assert refusal(docker.install()) == "The docker command has no unix socket as its endpoint"


def test_docker_host_replaces_the_context(docker: FakeDocker) -> None:
    docker.answers["context inspect"] = {"out": "unix:///nonexistent/docker.sock\n"}

    assert find(docker.install(DOCKER_HOST=f"unix://{docker.socket}")).socket == docker.socket


def test_a_socket_that_this_process_cannot_connect_to_is_refused(docker: FakeDocker, tmp_path: Path) -> None:
    docker.socket = tmp_path / "another.sock"

    assert "another.sock cannot be used: [Errno 2]" in refusal(docker.install())


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ("name=rootless", "is rootless: "),
        ("name=rootless,profile=x", "is rootless: "),
        ("name=userns", "remaps users (userns-remap): "),
    ],
)
def test_an_engine_in_a_user_namespace_is_refused(docker: FakeDocker, option: str, kind: str) -> None:
    docker.info["SecurityOptions"] = ["name=seccomp,profile=builtin", option]

    assert refusal(docker.install()).startswith(f"The Docker engine {kind}")


def test_an_engine_without_security_options_is_suitable(docker: FakeDocker) -> None:
    docker.info = {"SecurityOptions": None}

    assert find(docker.install()).socket == docker.socket


def test_an_engine_that_ignores_limits_is_refused(docker: FakeDocker) -> None:
    docker.info |= {"MemoryLimit": False, "CpuCfsQuota": False}

    assert refusal(docker.install()) == "The Docker engine cannot limit memory and CPU time"


def test_an_engine_with_another_loopback_interface_is_refused(docker: FakeDocker) -> None:
    docker.answers["pull"] = {"err": "dial tcp 127.0.0.1:1: connect: connection refused\n", "exit": 1}

    assert refusal(docker.install()) == (
        "The Docker engine cannot reach 127.0.0.1 of this machine (dial tcp 127.0.0.1:1: connect: connection refused)"
    )


def test_an_engine_whose_networks_are_elsewhere_is_refused_and_keeps_none(docker: FakeDocker) -> None:
    docker.gateway = "203.0.113.1"

    assert refusal(docker.install()) == "This machine cannot reach the Docker engine's networks"
    [created] = [each for each in docker.commands if each.startswith("network create")]
    assert created.replace("create", "rm") in docker.commands


@pytest.mark.parametrize("answer", [{"exit": 1}, {"out": ""}, {"out": '{"IPAM": {"Config": null}}'}])
def test_an_engine_that_does_not_describe_its_network_is_refused_and_keeps_none(
    docker: FakeDocker, answer: dict[str, Any]
) -> None:
    docker.answers["network inspect"] = answer

    assert refusal(docker.install())
    assert any(each.startswith("network rm onetrace-probe-") for each in docker.commands)


def test_an_engine_without_a_free_network_is_refused(docker: FakeDocker) -> None:
    docker.answers["network create"] = {"err": "all predefined address pools have been fully subnetted\n", "exit": 1}

    assert "fully subnetted" in refusal(docker.install())


def test_the_cdks_docker_command_runs_with_the_variables_that_select_the_engine(docker: FakeDocker) -> None:
    docker.name = "other"

    assert find(docker.install(CDK_DOCKER="other")).socket == docker.socket
    assert docker_command.variables({"DOCKER_CONTEXT": "a", "OTHER": "x"}) == {"DOCKER_CONTEXT": "a"}


def test_logout_names_only_the_registry(docker: FakeDocker) -> None:
    docker_command.log_out(docker.install(), "127.0.0.1:4566")

    assert docker.commands == ["logout 127.0.0.1:4566"]
