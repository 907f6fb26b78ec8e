from __future__ import annotations

import io
import os
import sysconfig
from pathlib import Path

import pytest

from infra.application import DEFAULT_FOLDER
from infra.application_packages import packages_of
from local.application import packages
from local.application.selection import load_application
from local.application.untraced import untraced, untraced_libraries
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session


def session_of(folder: Path, state: Path, **versions: str) -> Session:
    """Return a session with the application in `folder`, whose environment has these packages."""
    folders = Folders(state)
    folders.make()
    session = Session.fresh(folders, os.environ, Report(io.StringIO()))
    session.selected = load_application(folder, None)
    venv = folders.venvs / f"{session.selected.slug}-{packages._key(session.selected, packages_of(session.selected))}"
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))
    for name, version in versions.items():
        info = site_packages / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    venv.mkdir(parents=True, exist_ok=True)
    (venv / packages.READY).touch()
    return session


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "requirements.txt").write_text("flask-sqlalchemy\nredis[hiredis]==8.1 # cache\n", encoding="utf-8")
    return folder


def test_each_library_that_the_requirements_bring_is_named_with_its_instrumentation(
    folder: Path, tmp_path: Path
) -> None:
    versions = {"redis": "8.1.0", "SQLAlchemy": "2.0.40", "httpx": "0.28.1", "flask": "3.1.3", "boto3": "1.43.0"}
    session = session_of(folder, tmp_path / "state", opentelemetry_instrumentation_httpx="0.66b1", **versions)

    assert untraced_libraries(session) == [
        "calls of redis are not traced: add opentelemetry-instrumentation-redis==0.66b1 to requirements.txt",
        "calls of sqlalchemy are not traced: add opentelemetry-instrumentation-sqlalchemy==0.66b1 to requirements.txt",
    ]


def test_a_library_of_the_runtime_is_named_where_the_application_requires_it_too(folder: Path, tmp_path: Path) -> None:
    (folder / "requirements.txt").write_text("boto3>=1.40\n", encoding="utf-8")
    session = session_of(folder, tmp_path / "state", boto3="1.43.0", botocore="1.43.0", urllib3="2.5.0")

    assert untraced_libraries(session) == [
        "calls of botocore are not traced: add opentelemetry-instrumentation-botocore==0.66b1 to requirements.txt"
    ]


def test_an_application_without_requirements_and_the_sample_bring_none(folder: Path, tmp_path: Path) -> None:
    (folder / "requirements.txt").unlink()
    assert untraced_libraries(session_of(folder, tmp_path / "one", redis="8.1.0")) == []
    assert untraced_libraries(session_of(DEFAULT_FOLDER, tmp_path / "two", redis="8.1.0")) == []


def test_for_a_version_that_the_instrumentation_does_not_support_the_range_is_named() -> None:
    assert untraced({"sqlalchemy": "2.1.0"}, [], "requirements.txt") == [
        "calls of sqlalchemy are not traced: add opentelemetry-instrumentation-sqlalchemy==0.66b1 to requirements.txt"
        " and require sqlalchemy<2.1.0,>=1.0.0, as it does not support 2.1.0"
    ]


@pytest.mark.parametrize("driver", ["psycopg2-binary", "pymysql"])
def test_a_driver_below_an_instrumented_sqlalchemy_is_not_named(driver: str) -> None:
    brought = {driver: "2.9.10"}
    assert untraced(brought, [driver], "requirements.txt")
    assert untraced(brought, [driver, "opentelemetry-instrumentation-sqlalchemy"], "requirements.txt") == []


def test_for_sqlalchemy_and_its_driver_one_instrumentation_is_named() -> None:
    assert untraced({"sqlalchemy": "2.0.40", "psycopg2-binary": "2.9.10"}, [], "requirements.txt") == [
        "calls of sqlalchemy are not traced: add opentelemetry-instrumentation-sqlalchemy==0.66b1 to requirements.txt"
    ]


def test_libraries_that_call_no_other_system_are_not_named() -> None:
    brought = dict.fromkeys(("pydantic", "jinja2", "click", "structlog", "psutil", "django", "tornado"), "4.0")

    assert untraced(brought, [], "requirements.txt") == []
