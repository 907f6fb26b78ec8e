"""The image installs what the application lists, by arguments that no shell interprets."""

from __future__ import annotations

import re
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Annotations, Match

from infra.application import Application
from infra.application_file import load
from infra.image import service_image
from infra.image_context import DOCKERFILE, PIP_ARGUMENTS
from tests.container.dockerfile import stages
from tests.container.test_application_image import staged

PROJECT = "[project]\nname = 'shop'\ndependencies = [\"flask>=3.1 ; python_version > '3'\", 'redis']\n"
BUILD = "[build-system]\nrequires = ['hatchling']\n"


def shop(folder: Path, name: str, text: str) -> Application:
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8")
    (folder / ".dockerignore").write_text("*\n", encoding="utf-8")
    return load(folder)


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("requirements.txt", "flask\n", ["--requirement", "requirements.txt"]),
        ("pyproject.toml", PROJECT, ["flask>=3.1 ; python_version > '3'", "redis"]),
        ("pyproject.toml", BUILD + PROJECT, ["--editable", "."]),
        ("app.py", "", []),
    ],
)
def test_each_argument_is_a_line_and_the_file_that_lists_the_packages_is_never_left_out(
    tmp_path: Path, name: str, text: str, lines: list[str]
) -> None:
    context = staged(shop(tmp_path / "shop", name, text), tmp_path / "context")
    assert (context / "runtime" / PIP_ARGUMENTS).read_text(encoding="utf-8").splitlines() == lines
    assert (context / "app" / name).exists() == bool(lines)


def test_the_build_passes_each_line_as_one_argument() -> None:
    [_, _, build, _] = stages(DOCKERFILE)
    [install] = [each for each in build.all("RUN") if "REQUIREMENTS" in each]
    assert re.search(
        rf"xargs --no-run-if-empty --delimiter '\\n' --arg-file /opt/check/{PIP_ARGUMENTS} python -m pip .* install ",
        re.sub(r" *\\\n *", " ", install),
    )


@pytest.mark.parametrize(("lock", "warnings"), [("uv.lock", 1), ("notes.txt", 0)])
def test_a_lock_that_is_not_read_is_a_warning_of_the_synth(tmp_path: Path, lock: str, warnings: int) -> None:
    application = shop(tmp_path / "shop", "pyproject.toml", PROJECT)
    (application.folder / lock).touch()
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "out"), analytics_reporting=False), "Stack")
    service_image(stack, application, None, arm64=False)
    found = Annotations.from_stack(stack).find_warning("*", Match.string_like_regexp("uv.lock is not read"))
    assert len(found) == warnings
