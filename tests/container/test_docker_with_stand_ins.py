"""The docker command that replaces a build's base images where they cannot be pulled, with a docker that prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[1] / "containers" / "docker_with_stand_ins"
DOCKER = """#!/bin/sh
# No registry responds, and the stand-in's layers are in this engine's cache.
case "$*" in
"image inspect onetrace-stand-in/"* | *"--tag onetrace-stand-in/"*) exit 0 ;;
"image inspect "*) exit 1 ;;
"pull "*) echo "dial tcp: no such host" >&2; exit 1 ;;
"run "*) echo "Python 3.13.5"; exit 0 ;;
esac
printf '<%s>' "$@"
case "$*" in *"--file - "*) echo; cat ;; esac
exit 3
"""
DOCKERFILE = """\
FROM --platform=linux/amd64 registry.test/library/python:3.13-slim@sha256:00 AS base
FROM base AS build
RUN true
from python:3.13-slim as another
FROM scratch
FROM ${BASE}
"""
RESOLVED = DOCKERFILE.replace("registry.test/library/python:3.13-slim@sha256:00", "onetrace-stand-in/python:3.13-slim")
RESOLVED = RESOLVED.replace("from python:3.13-slim", "from onetrace-stand-in/python:3.13-slim")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    # The program finds this project's modules, and not a context's of the same name.
    for each in ("tests/__init__.py", "tests/containers/__init__.py", "tests/containers/docker_command.py"):
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_text("raise SystemExit('of the context')", encoding="utf-8")
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    return folder


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Return a PATH on which the program itself is named `docker`, before the real one."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (first / "docker").symlink_to(PROGRAM)
    (second / "docker").write_text(DOCKER, encoding="utf-8")
    (second / "docker").chmod(0o755)
    return os.pathsep.join([str(first), str(second), os.environ["PATH"]])


def run(path: str, context: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it as the CDK does: in the folder of the context."""
    return subprocess.run(
        ["docker", *arguments], env={"PATH": path}, cwd=context, text=True, capture_output=True, timeout=60, check=False
    )


@pytest.mark.parametrize("of_docker", [[], ["--config", "/keys"]])
@pytest.mark.parametrize("file", [[], ["--file", "Dockerfile"], ["-f", "./Dockerfile"], ["--file=Dockerfile"]])
def test_a_build_reads_the_dockerfile_with_stand_ins(
    of_docker: list[str], file: list[str], path: str, context: Path
) -> None:
    process = run(path, context, *of_docker, "build", "--tag", "app", "--build-arg", "A=-f x", *file, ".")
    arguments, _, dockerfile = process.stdout.partition("\n")
    expected = [*of_docker, "build", "--network", "host", "--file", "-", "--tag", "app", "--build-arg", "A=-f x", "."]
    assert (arguments, dockerfile) == ("".join(f"<{each}>" for each in expected), RESOLVED), process.stderr
    assert process.returncode == 3


@pytest.mark.parametrize(
    "arguments",
    [["push", "127.0.0.1:1/app"], ["--config", "/keys", "tag", "a", "b"], ["version"], [], ["build", "https://a.test"]],
)
def test_all_else_is_dockers_own(arguments: list[str], path: str, context: Path) -> None:
    process = run(path, context, *arguments)
    assert (process.stdout, process.returncode) == ("".join(f"<{each}>" for each in arguments) or "<>", 3)


def test_an_image_without_a_stand_in_ends_the_build_with_its_name(path: str, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM registry.test/java:21\n", encoding="utf-8")
    process = run(path, context, "build", ".")
    assert process.returncode == 1
    assert "registry.test/java:21 cannot be pulled, and has no stand-in: dial tcp: no such host" in process.stderr


def test_without_docker_it_says_so(path: str, context: Path) -> None:
    command = [sys.executable, str(PROGRAM), "version"]
    environ = {"PATH": path.split(os.pathsep, maxsplit=1)[0]}
    process = subprocess.run(command, env=environ, cwd=context, text=True, capture_output=True, timeout=60, check=False)
    assert process.returncode == 1
    assert process.stderr == "docker_with_stand_ins: no docker on PATH: install docker.io\n"
