from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from local.deploy import docker_engine
from local.workspace.errors import LocalError

REGISTRY = "127.0.0.1:4566"

Environ = dict[str, str]


class Docker(Protocol):
    def __call__(self, script: str, name: str = "docker") -> Environ: ...


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    """Put a docker command of our own on an otherwise empty PATH."""

    def put(script: str, name: str = "docker") -> Environ:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
        return {"PATH": str(tmp_path)}

    return put


def test_an_engine_that_answers_builds(docker: Docker) -> None:
    assert docker_engine.why_no_engine(docker('[ "$1" = version ]')) is None


def test_without_a_docker_command_there_is_no_engine(tmp_path: Path) -> None:
    assert docker_engine.why_no_engine({"PATH": str(tmp_path)}) == "no Docker engine here"


def test_an_engine_that_is_not_running_is_told_in_dockers_own_words(docker: Docker) -> None:
    environ = docker('echo "WARNING: a plugin is odd" >&2; echo "Cannot connect to unix:///x.sock" >&2; exit 1')

    assert docker_engine.why_no_engine(environ) == "no Docker engine answers (Cannot connect to unix:///x.sock)"


def test_an_engine_that_hangs_is_not_waited_for(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine, "ASK_SECONDS", 0.2)

    why = docker_engine.why_no_engine(docker("exec /bin/sleep 30"))

    assert why == "no Docker engine answers (docker version took more than 0.2 s)"


def test_a_command_that_cannot_be_run_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / "docker").write_bytes(b"\x7fELF")
    (tmp_path / "docker").chmod(0o755)

    why = docker_engine.why_no_engine({"PATH": str(tmp_path)})

    assert why is not None
    assert why.startswith("no Docker engine answers (")


def test_an_engine_that_refuses_this_user_is_an_error_with_two_ways_out(docker: Docker) -> None:
    environ = docker('echo "Got permission denied while trying to connect: dial unix /x.sock" >&2; exit 1')

    with pytest.raises(LocalError, match=r"refuses this user: .*x\.sock") as raised:
        docker_engine.why_no_engine(environ)
    assert "usermod" in raised.value.remedy
    assert "make up LOCAL_IMAGE=skip" in raised.value.remedy


def test_skipping_asks_no_engine(docker: Docker) -> None:
    refused = docker('echo "permission denied" >&2; exit 1')

    assert docker_engine.why_no_engine(refused | {"LOCAL_IMAGE": "skip"}) == "LOCAL_IMAGE=skip"


def test_another_choice_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="LOCAL_IMAGE='never' is not known"):
        docker_engine.why_no_engine({"PATH": str(tmp_path), "LOCAL_IMAGE": "never"})


def test_the_command_that_the_cdk_would_run_is_asked_with_the_environment_it_would_get(docker: Docker) -> None:
    docker("exit 1")
    environ = docker('[ "$DOCKER_HOST" = tcp://there ] && [ -z "$OTHER" ]', "podman")

    chosen = environ | {"CDK_DOCKER": "podman", "DOCKER_HOST": "tcp://there", "OTHER": "x"}

    assert docker_engine.why_no_engine(chosen) is None


@pytest.mark.parametrize(
    "said",
    [
        "repository 127.0.0.1:4566/reachable not found: name unknown: repository name not known to registry",
        'failed to resolve reference "127.0.0.1:4566/reachable:never-pushed": not found',
        "manifest unknown",
    ],
)
def test_a_registry_that_misses_an_image_is_reached(docker: Docker, said: str) -> None:
    assert docker_engine.why_no_push(docker(f"[ \"$1\" = pull ] && echo '{said}' >&2; exit 1"), REGISTRY) is None


@pytest.mark.parametrize(
    "said",
    [
        'Get "http://127.0.0.1:4566/v2/": dial tcp 127.0.0.1:4566: connect: connection refused',
        "context deadline exceeded",
        "http: server gave HTTP response to HTTPS client",
    ],
)
def test_an_engine_elsewhere_does_not_reach_the_registry(docker: Docker, said: str) -> None:
    why = docker_engine.why_no_push(docker(f"echo '{said}' >&2; exit 1"), REGISTRY)

    assert why == f"the Docker engine does not reach {REGISTRY} of this machine ({said})"


def test_logging_out_names_the_registry_alone(docker: Docker, tmp_path: Path) -> None:
    docker_engine.log_out(docker(f'echo "$@" > {tmp_path}/asked'), REGISTRY)

    assert (tmp_path / "asked").read_text(encoding="utf-8") == f"logout {REGISTRY}\n"
