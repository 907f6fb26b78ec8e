"""An application's packages are compared with what the runtime needs, in an image's build and in `make up`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra.application_image import check_requirements

CHECKOUT = Path(__file__).parents[2]
PYPROJECT = CHECKOUT / "pyproject.toml"


def installed(folder: Path, **versions: str) -> Path:
    """Return a folder that has the metadata of these packages."""
    for name, version in versions.items():
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    return folder


def check(*paths: Path) -> subprocess.CompletedProcess[str]:
    """Run the script as the build of an image does."""
    return subprocess.run(
        [sys.executable, check_requirements.__file__, PYPROJECT],
        env={"PYTHONPATH": ":".join(map(str, paths))},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "version", "needed"),
    [
        ("gunicorn", "23.0.0", "gunicorn<28,>=27"),  # of an extra
        ("opentelemetry_api", "1.20.0", "opentelemetry-api<2,>=1.42"),
        ("Flask", "1.1.4", "flask<4,>=3.0"),
        ("opentelemetry_instrumentation", "0.60b1", "opentelemetry-instrumentation<1,>=0.63b0"),
    ],
)
def test_a_version_that_the_runtime_does_not_work_with_is_named_with_the_range(
    tmp_path: Path, name: str, version: str, needed: str
) -> None:
    result = check(installed(tmp_path, **{name: version}))

    line = f"requirements.txt installs {needed.partition('<')[0]} {version}, but the runtime needs {needed}"
    assert (result.returncode, result.stderr) == (1, f"{line}: remove it or change the version\n")


def test_the_runtimes_own_versions_are_accepted() -> None:
    assert (check().returncode, check().stderr) == (0, "")


def test_a_prerelease_within_the_range_is_accepted(tmp_path: Path) -> None:
    assert check_requirements.conflicts(PYPROJECT, [str(installed(tmp_path, gunicorn="27.1.0rc1"))]) == []


def test_the_rest_of_a_removed_package_is_none(tmp_path: Path) -> None:
    (tmp_path / "gunicorn-23.0.0.dist-info").mkdir()

    assert check_requirements.conflicts(PYPROJECT, [str(tmp_path)]) == []


def test_all_conflicts_are_listed_under_the_files_own_name(tmp_path: Path) -> None:
    site_packages = installed(tmp_path, gunicorn="23.0.0", orjson="3.9", requests="1.0")

    assert check_requirements.conflicts(PYPROJECT, [str(site_packages)], "requirements/prod.txt") == [
        "requirements/prod.txt installs orjson 3.9, but the runtime needs orjson<4,>=3.10",
        "requirements/prod.txt installs gunicorn 23.0.0, but the runtime needs gunicorn<28,>=27",
    ]
