"""Run docker with these arguments; a build's base images that cannot be pulled are replaced by their stand-ins.

So that `make up` and `cdk deploy` build the image on a machine that reaches no registry of images, by its path as
`CDK_DOCKER`, or by a link to it, named `docker`, in a folder of PATH:

    CDK_DOCKER=$PWD/tests/containers/docker_with_stand_ins make up

A build also gets the host's network, as an engine without a bridge has no other way to a package index. All else is
docker's own: this process becomes it, and so its signals, output and exit code are.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Final, NoReturn

from tests.containers.base_images import BaseImages

PIPE: Final = "-"
"""Docker's name for standard input, in place of a Dockerfile or a context."""


def main(program: Path, arguments: list[str]) -> NoReturn:
    """Become docker. `program` is the file that runs this, and never the docker that it becomes."""
    os.environ["PATH"] = path_without(program, os.environ.get("PATH", os.defpath))
    docker = shutil.which("docker")
    if docker is None:
        sys.exit("docker_with_stand_ins: no docker on PATH: install docker.io")
    try:
        dockerfile, arguments = rewritten(arguments, BaseImages())
    except (AssertionError, OSError) as error:
        sys.exit(f"docker_with_stand_ins: {error}")
    if dockerfile is not None:
        _as_standard_input(dockerfile)
    os.execv(docker, [docker, *arguments])  # noqa: S606 - no shell is wanted


def path_without(program: Path, path: str) -> str:
    """Return the folders of a PATH whose `docker` is not this program."""
    folders = [each for each in path.split(os.pathsep) if (Path(each) / "docker").resolve() != program]
    return os.pathsep.join(folders)


def rewritten(arguments: list[str], base_images: BaseImages) -> tuple[str | None, list[str]]:
    """Return the Dockerfile to be read from standard input, and docker's arguments; None and the same for no build."""
    before, command, options = _split(arguments)
    if command != "build" or not options:
        return None, arguments
    context = options[-1]
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--file", "-f", type=Path, default=Path(context) / "Dockerfile")
    parser.add_argument("--network", default="host")
    parsed, others = parser.parse_known_args(options[:-1])
    if not Path(context).is_dir() or str(parsed.file) == PIPE:
        return None, arguments
    text = base_images.resolve(parsed.file)
    return text, [*before, command, "--network", parsed.network, "--file", PIPE, *others, context]


def _split(arguments: list[str]) -> tuple[list[str], str, list[str]]:
    """Return docker's own options, its command and that one's arguments. The CDK gives no other option than this."""
    count = 2 if arguments[:1] == ["--config"] else 0
    return arguments[:count], "".join(arguments[count : count + 1]), arguments[count + 1 :]


def _as_standard_input(text: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        os.dup2(file.fileno(), sys.stdin.fileno())
