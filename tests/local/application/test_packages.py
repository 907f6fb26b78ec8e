"""Which virtual environment an application gets: the real installation is tested in tests/acceptance."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from infra.application import DEFAULT_FOLDER, Application
from infra.application_packages import packages_of
from local.application import packages
from local.application.selection import load_application
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from operations.errors import OperatorError


def environment_of(session: Session, application: Application) -> Path:
    """Return the environment that is used, as if each one was installed already."""
    venv = session.folders.venvs / f"{application.slug}-{packages._key(application, packages_of(application))}"
    venv.mkdir(parents=True, exist_ok=True)
    (venv / packages.READY).touch()
    python = packages.interpreter(session, application)
    assert python == venv / "bin" / "python"
    return venv


@pytest.fixture
def session(tmp_path: Path) -> Session:
    folders = Folders(tmp_path / "state")
    folders.make()
    return Session.fresh(folders, os.environ, Report(io.StringIO()))


@pytest.fixture
def shop(tmp_path: Path) -> Application:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "requirements.txt").write_text("flask\n--requirement more.txt\n-c limits.txt\n", encoding="utf-8")
    for name in ("more.txt", "limits.txt"):
        (folder / name).write_text("-r requirements.txt\n", encoding="utf-8")
    return load_application(folder, None)


def test_the_sample_runs_with_the_checkouts_own_packages(session: Session) -> None:
    assert packages.interpreter(session, load_application(DEFAULT_FOLDER, None)) == Path(sys.executable)


@pytest.mark.parametrize("name", ["requirements.txt", "more.txt", "limits.txt"])
def test_a_change_of_a_requirements_file_or_of_an_included_one_makes_a_new_environment(
    session: Session, shop: Application, name: str
) -> None:
    before = environment_of(session, shop)
    assert environment_of(session, shop) == before
    file = shop.folder / name
    file.write_text(file.read_text(encoding="utf-8") + "requests\n", encoding="utf-8")

    assert environment_of(session, shop) != before


@pytest.mark.parametrize(
    "line", [".", "-e .", "--editable=.", "./", ".[web]", "shop @ file:.", "-e .[web] ; python_version > '3'"]
)
@pytest.mark.parametrize("name", ["pyproject.toml", "setup.py", "setup.cfg"])
def test_a_change_of_what_a_project_of_this_machine_requires_makes_a_new_environment(
    session: Session, shop: Application, line: str, name: str
) -> None:
    (shop.folder / "more.txt").write_text(f"{line}\n", encoding="utf-8")
    (shop.folder / name).write_text("before", encoding="utf-8")
    before = environment_of(session, shop)
    (shop.folder / name).write_text("after", encoding="utf-8")

    assert environment_of(session, shop) != before


@pytest.mark.parametrize(
    ("requirements", "changed", "environments"),
    [
        (None, "pyproject.toml", 2),
        (None, "src/shop.py", 1),  # editable: the code that runs is the folder's
        ("-e .", "src/shop.py", 1),
        (".", "src/shop.py", 2),  # a copy
        (".", "pyproject.toml", 2),
    ],
)
def test_an_environment_with_a_copy_of_the_code_is_not_used_for_changed_code(
    session: Session, tmp_path: Path, requirements: str | None, changed: str, environments: int
) -> None:
    folder = tmp_path / "shop"
    (folder / "src").mkdir(parents=True)
    (folder / "src/shop.py").touch()
    text = '[build-system]\nrequires = []\n[project]\nname = "shop"\n'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    if requirements is not None:
        (folder / "requirements.txt").write_text(requirements, encoding="utf-8")
    shop = load_application(folder, None)
    used = {environment_of(session, shop)}
    with (folder / changed).open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    assert len(used | {environment_of(session, shop)}) == environments


def test_a_change_of_a_project_that_is_not_installed_keeps_the_environment(session: Session, shop: Application) -> None:
    (shop.folder / "flask").mkdir()  # of the name of a package of the index, which the requirements have
    before = environment_of(session, shop)
    for folder in (shop.folder, shop.folder / "flask"):
        (folder / "pyproject.toml").write_text("changed", encoding="utf-8")

    assert environment_of(session, shop) == before


def test_a_change_of_the_code_keeps_the_environment(session: Session, shop: Application) -> None:
    before = environment_of(session, shop)
    (shop.folder / "app.py").write_text("changed = True\n", encoding="utf-8")

    assert environment_of(session, shop) == before


def test_the_two_environments_that_were_used_last_are_kept_and_those_of_other_applications(
    session: Session, shop: Application
) -> None:
    other = session.folders.venvs / "other-000000000000"
    unfinished = session.folders.venvs / "shop-000000000000"
    for folder in (other, unfinished):
        folder.mkdir()
    session.selected, used = shop, []
    for number in range(3):
        (shop.folder / "more.txt").write_text(f"package=={number}\n", encoding="utf-8")
        used.append(environment_of(session, shop))
        os.utime(used[-1] / packages.READY, (number, number))
    (shop.folder / "more.txt").write_text("package==0\n", encoding="utf-8")
    assert environment_of(session, shop) == used[0]

    packages.delete_outdated(session)

    assert sorted(session.folders.venvs.iterdir()) == sorted([other, used[0], used[2]])


INCOMPATIBLE = "The package `a` requires `b>=2`, but `1` is installed"
WARNING = "    warning: requirements.txt conflicts with what other packages require:"
CHECKS = {
    "compatible": ("Checked 60 packages in 2ms\nAll installed packages are compatible", 0, []),
    "incompatible": (f"Checked 60 packages in 2ms\nFound 1 incompatibility\n{INCOMPATIBLE}", 1, [INCOMPATIBLE]),
    "failed": ("error: unexpected", 2, ["error: unexpected"]),
}
UV = f"""#!{sys.executable}
import pathlib, sys
if sys.argv[1] == "venv":
    python = pathlib.Path(sys.argv[-1], "bin", "python")
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\\nexec "{sys.executable}" "$@"\\n')
    python.chmod(0o700)
if sys.argv[1:3] == ["pip", "check"]:
    print(OUT)
    sys.exit(CODE)
"""
"""What stands for uv: its environments have the packages of this one, and its `pip check` prints OUT."""


@pytest.mark.parametrize("check", CHECKS)
def test_packages_that_conflict_are_a_warning_with_uvs_lines(
    session: Session, shop: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    out, code, conflicts = CHECKS[check]
    program, output = tmp_path / "uv", io.StringIO()
    program.write_text(UV.replace("OUT", repr(out)).replace("CODE", str(code)), encoding="utf-8")
    program.chmod(0o700)
    session.report = Report(output)
    monkeypatch.setattr(packages, "UV", program)
    monkeypatch.setattr(sysconfig, "get_path", lambda *_, **__: str(tmp_path))

    packages.interpreter(session, shop)

    step, *lines = output.getvalue().splitlines()
    assert step.startswith("  Install the packages of Shop … requirements.txt (")
    assert lines == ([WARNING, *(f"      {line}" for line in conflicts)] if conflicts else [])


def test_only_what_observes_and_guards_the_application_is_importable_of_the_checkout(
    session: Session, shop: Application
) -> None:
    environment_of(session, shop)

    assert sorted(each.name for each in session.folders.packages.iterdir()) == [
        "flask_onetrace",
        "onetrace_request_guard",
    ]
    assert (session.folders.packages / "flask_onetrace" / "__init__.py").is_file()
    assert (session.folders.packages / "onetrace_request_guard" / "service.py").is_file()


def test_a_version_that_the_runtime_does_not_work_with_is_named_with_the_range_and_the_remedy(
    tmp_path: Path,
) -> None:
    venv = tmp_path / "venv"
    subprocess.run([packages.UV, "venv", "--quiet", "--python", sys.executable, venv], check=True, timeout=60)
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))
    (site_packages / "checkout.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    packages._refuse_conflicts("requirements.txt", venv / "bin" / "python")
    for name, version in (("gunicorn", "23.0.0"), ("opentelemetry_api", "1.20.0")):
        info = site_packages / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")

    with pytest.raises(OperatorError) as refusal:
        packages._refuse_conflicts("requirements.txt", venv / "bin" / "python")

    assert str(refusal.value) == (
        "requirements.txt installs opentelemetry-api 1.20.0, but the runtime needs opentelemetry-api<2,>=1.42; "
        "requirements.txt installs gunicorn 23.0.0, but the runtime needs gunicorn<28,>=27. "
        "Remove it or change the version"
    )
