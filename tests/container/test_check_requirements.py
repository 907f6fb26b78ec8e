"""The image's build ends where an application's packages break the runtime, with what to change."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.image_context import CHECK_REQUIREMENTS, DOCKERFILE, PYPROJECT
from tests.container.dockerfile import stages


def check(tmp_path: Path, *arguments: str, **versions: str) -> subprocess.CompletedProcess[str]:
    """Run the check where packages have other versions than this environment's: an earlier entry of the path wins."""
    for name, version in versions.items():
        metadata = tmp_path / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    return subprocess.run(
        [sys.executable, CHECK_REQUIREMENTS, PYPROJECT, *arguments],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_locked_packages_have_no_conflict(tmp_path: Path) -> None:
    process = check(tmp_path)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_each_conflict_is_a_line_with_both_versions(tmp_path: Path) -> None:
    process = check(tmp_path, gunicorn="23.0.0", opentelemetry_api="1.20.0", flask="1.1.4", watchtower="nightly")
    assert process.returncode == 1
    assert sorted(process.stderr.splitlines()) == [
        "requirements.txt installs flask 1.1.4, but the runtime needs flask<4,>=3.0",
        "requirements.txt installs gunicorn 23.0.0, but the runtime needs gunicorn<28,>=27",
        "requirements.txt installs opentelemetry-api 1.20.0, but the runtime needs opentelemetry-api<2,>=1.42",
        "requirements.txt installs watchtower nightly, but the runtime needs watchtower<4,>=3.3",
    ]


def test_the_message_names_the_applications_file(tmp_path: Path) -> None:
    assert check(tmp_path, "requirements/prod.txt", gunicorn="23.0.0").stderr.startswith(
        "requirements/prod.txt installs"
    )


@pytest.mark.parametrize(("name", "status"), [("no-such-package", 1), ("flask", 0)])
def test_a_package_of_the_runtime_that_is_missing_is_a_conflict_and_one_of_an_extra_is_none(
    tmp_path: Path, name: str, status: int
) -> None:
    pyproject = tmp_path / "pyproject.toml"
    pyproject.write_text(
        f'[project]\nname = "a"\ndependencies = ["{name}"]\n'
        'optional-dependencies = {x = ["no-such-extra>=1"], all = ["a[x]"]}',
        encoding="utf-8",
    )
    command = [sys.executable, str(CHECK_REQUIREMENTS), str(pyproject)]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == status
    assert process.stderr == ("no-such-package is not installed, but the runtime needs no-such-package\n" * status)


def test_the_build_runs_it_on_what_was_installed_before_pips_own_check() -> None:
    [_, _, build, _] = stages(DOCKERFILE)
    [install] = [each for each in build.all("RUN") if "REQUIREMENTS" in each]
    assert re.search(
        r"pip .* install .* && /opt/onetrace/venv/bin/python "
        r"/opt/check/check_requirements\.py /opt/check/pyproject\.toml"
        r' "\$\{REQUIREMENTS\}" && python -m pip .* check;',
        re.sub(r"[\s\\]+", " ", install),
    )
