from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from local.deploy import docker_engine
from operations.errors import OperatorError

REGISTRY = "127.0.0.1:4566"

Environ = dict[str, str]


class Docker(Protocol):
    def __call__(self, script: str, name: str = "docker") -> Environ: ...


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """Install a fake docker command on an otherwise empty PATH."""

    def install(script: str, name: str = "docker") -> Environ:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return {"PATH": str(tmp_path)}

    return install


def test_an_engine_that_responds_builds_the_image(docker: Docker) -> None:
    assert docker_engine.why_no_engine(docker('[ "$1" = version ]')) is None


def test_without_a_docker_command_there_is_no_engine(tmp_path: Path) -> None:
    assert docker_engine.why_no_engine({"PATH": str(tmp_path)}) == "no Docker engine found"


def test_an_engine_that_is_not_running_is_reported_with_dockers_error(docker: Docker) -> None:
    environ = docker('echo "WARNING: a plugin is odd" >&2; echo "Cannot connect to unix:///x.sock" >&2; exit 1')

    assert (
        docker_engine.why_no_engine(environ) == "the Docker engine does not respond (Cannot connect to unix:///x.sock)"
    )


def test_an_engine_that_hangs_times_out(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "TIMEOUT_SECONDS", 0.2)

    why = docker_engine.why_no_engine(docker("exec /bin/sleep 30"))

    assert why == "the Docker engine does not respond (docker version timed out after 0.2 s)"


def test_a_command_that_cannot_be_executed_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / "docker").write_bytes(b"\x7fELF")
    (tmp_path / "docker").chmod(0o755)

    why = docker_engine.why_no_engine({"PATH": str(tmp_path)})

    assert why is not None
    assert why.startswith("the Docker engine does not respond (")


def test_a_denied_permission_is_an_error_with_two_remedies(docker: Docker) -> None:
    environ = docker('echo "Got permission denied while trying to connect: dial unix /x.sock" >&2; exit 1')

    with pytest.raises(OperatorError, match=r"Permission denied by the Docker engine: .*x\.sock") as error_info:
        docker_engine.why_no_engine(environ)
    assert "usermod" in error_info.value.remedy
    assert "make up LOCAL_IMAGE=skip" in error_info.value.remedy


def test_skip_runs_no_docker_command(docker: Docker) -> None:
    docker_environ = docker('echo "permission denied" >&2; exit 1')

    assert docker_engine.why_no_engine(docker_environ | {"LOCAL_IMAGE": "skip"}) == "LOCAL_IMAGE=skip"


def test_an_invalid_choice_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="LOCAL_IMAGE='never' is not valid"):
        docker_engine.why_no_engine({"PATH": str(tmp_path), "LOCAL_IMAGE": "never"})


def test_the_cdks_docker_command_runs_with_the_cdks_environment(docker: Docker) -> None:
    docker("exit 1")
    environ = docker('[ "$DOCKER_HOST" = tcp://there ] && [ -z "$OTHER" ]', "podman")

    environ |= {"CDK_DOCKER": "podman", "DOCKER_HOST": "tcp://there", "OTHER": "x"}

    assert docker_engine.why_no_engine(environ) is None


@pytest.mark.parametrize(
    "message",
    [
        "repository 127.0.0.1:4566/reachable not found: name unknown: repository name not known to registry",
        'failed to resolve reference "127.0.0.1:4566/reachable:never-pushed": not found',
        "manifest unknown",
    ],
)
def test_a_registry_without_the_image_is_reachable(docker: Docker, message: str) -> None:
    assert docker_engine.why_no_push(docker(f"[ \"$1\" = pull ] && echo '{message}' >&2; exit 1"), REGISTRY) is None


@pytest.mark.parametrize(
    "message",
    [
        'Get "http://127.0.0.1:4566/v2/": dial tcp 127.0.0.1:4566: connect: connection refused',
        "context deadline exceeded",
        "http: server gave HTTP response to HTTPS client",
    ],
)
def test_an_engine_on_another_network_cannot_reach_the_registry(docker: Docker, message: str) -> None:
    why = docker_engine.why_no_push(docker(f"echo '{message}' >&2; exit 1"), REGISTRY)

    assert why == f"the Docker engine cannot reach {REGISTRY} on this machine ({message})"


def test_logout_names_only_the_registry(docker: Docker, tmp_path: Path) -> None:
    docker_engine.log_out(docker(f'echo "$@" > {tmp_path}/arguments'), REGISTRY)

    assert (tmp_path / "arguments").read_text(encoding="utf-8") == f"logout {REGISTRY}\n"
