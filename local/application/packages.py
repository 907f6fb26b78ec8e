"""Install the application's packages and the runtime's into a virtual environment of its own."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.application import Application, ApplicationError
from infra.application_packages import Packages, packages_of
from infra.fingerprint import fingerprint
from local.application.local_projects import LocalProject, local_projects, without_build_output
from local.workspace.errors import FailedStepError
from local.workspace.folders import CHECKOUT
from local.workspace.report import Step
from local.workspace.session import Session
from local.workspace.steps import Program, run
from operations.errors import OperatorError, operator_error

RUNTIME: Final = CHECKOUT / "service" / "requirements.txt"
"""The locked packages of the runtime."""
CHECK_REQUIREMENTS: Final = CHECKOUT / "infra" / "application_image" / "check_requirements.py"
"""The program that the build of an image runs too."""
PROJECT: Final = CHECKOUT / "pyproject.toml"
"""The file that declares the versions of packages that the runtime works with."""
IMPORTED: Final = {"flask_onetrace": "flask_onetrace", "onetrace_request_guard": "local/request_guard"}
"""What the environment imports from the checkout, by the name there. Nothing else of it is importable: its modules
`local`, `service` and `tests` would hide the application's."""
UV: Final = Path(sys.executable).with_name("uv")
READY: Final = "ready"
"""An empty file in a complete environment."""
CONFLICT: Final = re.compile(r"The package .*")
"""A line of `uv pip check`."""
KEPT: Final = 2
"""Environments of an application: the one that runs, and the one before, for an edit that is taken back."""
DIGITS: Final = 12
INSTALL_SECONDS: Final = 900.0
CHECK_SECONDS: Final = 60.0
INCLUDED: Final = re.compile(r"^\s*(?:-r|--requirement|-c|--constraint)[\s=]+(\S+)", re.MULTILINE)
REMEDY: Final = (
    "Correct the file as the lines above say, or set UV_INDEX_URL where packages come from an index of your own"
)


def interpreter(session: Session, application: Application) -> Path:
    """Return the Python that has the application's packages. Raises `OperatorError` if they cannot be installed."""
    if application.is_sample:
        return Path(sys.executable)
    packages = listed_packages(application)
    venv = session.folders.venvs / f"{application.slug}-{_key(application, packages)}"
    python = venv / "bin" / "python"
    if not (venv / READY).exists():
        _install(session, application, packages, venv)
    _link(session.folders.packages)
    (venv / READY).touch()  # the time by which the oldest are deleted
    return python


def listed_packages(application: Application) -> Packages | None:
    """Return the packages that the application lists. Raises `OperatorError` where pip cannot read the list."""
    try:
        return packages_of(application)
    except ApplicationError as error:
        raise operator_error(error) from error


def delete_outdated(session: Session) -> None:
    """Delete the environments of the application but the two that were used last, once nothing runs in the others."""
    venvs = list(session.folders.venvs.glob(f"{session.application.slug}-*"))
    for venv in sorted(venvs, key=_last_used)[:-KEPT]:
        shutil.rmtree(venv, ignore_errors=True)


def _last_used(venv: Path) -> float:
    ready = venv / READY
    return ready.stat().st_mtime if ready.exists() else 0.0


def _key(application: Application, packages: Packages | None) -> str:
    """Return a digest of the interpreter and of all that says what is installed."""
    arguments = () if packages is None else packages.arguments
    digest = hashlib.sha256(repr((sys.version, sys.executable, arguments)).encode())
    projects = _projects(application, packages)
    descriptions = [file for project in projects for file in project.descriptions]
    for file in (RUNTIME, *requirement_files(application, packages), *descriptions):
        digest.update(file.read_bytes())
    for project in projects:
        if project.is_copied_from(application.folder):
            digest.update(fingerprint(project.folder).encode())
    return digest.hexdigest()[:DIGITS]


def _projects(application: Application, packages: Packages | None) -> list[LocalProject]:
    if packages is not None and packages.project is not None:
        return [LocalProject((application.folder / packages.project).resolve(), is_editable=True)]
    return local_projects(requirement_files(application, packages), application.folder)


def requirement_files(application: Application, packages: Packages | None) -> Iterator[Path]:
    """Yield the requirements file and what it includes, each once; a missing one is left to uv's message."""
    is_file = packages is not None and packages.arguments[:1] == ("--requirement",)
    pending = [application.folder / packages.file] if packages is not None and is_file else []
    seen: set[Path] = set()
    while pending:
        file = pending.pop().resolve()
        if file not in seen and file.is_file():
            seen.add(file)
            text = file.read_text(encoding="utf-8", errors="replace")
            pending += [file.parent / name for name in INCLUDED.findall(text)]
            yield file


def _install(session: Session, application: Application, packages: Packages | None, venv: Path) -> None:
    if not UV.exists():
        raise OperatorError(f"{UV} does not exist", "Run make setup")
    python, conflicts = venv / "bin" / "python", list[str]()
    with session.report.step(f"Install the packages of {application.name}") as step:
        _uv(session, step, application, "venv", "--clear", "--python", sys.executable, str(venv))
        _uv(
            session,
            step,
            application,
            "pip",
            "install",
            "--python",
            str(python),
            "--require-hashes",
            "-r",
            str(RUNTIME),
        )
        if packages is not None and packages.arguments:
            # After the runtime's: where both name a package, it is the application's version that it was written for.
            with without_build_output(_projects(application, packages)):
                _uv(session, step, application, "pip", "install", "--python", str(python), *packages.arguments)
            conflicts = _conflicts(session, step, application, python)
            _refuse_conflicts(packages.file, python)
        site_packages = sysconfig.get_path("purelib", vars={"base": str(venv)})
        (Path(site_packages) / "onetrace.pth").write_text(f"{session.folders.packages}\n", encoding="utf-8")
        (venv / READY).touch()
        step.note = f"the runtime's: {application.folder} lists none" if packages is None else packages.file
    if packages is not None:
        _warn(session, packages, conflicts)


def _warn(session: Session, packages: Packages, conflicts: list[str]) -> None:
    if packages.warning is not None:
        session.report.line(f"    warning: {packages.warning}")
    if conflicts:
        session.report.line(f"    warning: {packages.file} conflicts with what other packages require:")
    for line in conflicts:
        session.report.line(f"      {line}")


def _conflicts(session: Session, step: Step, application: Application, python: Path) -> list[str]:
    """Return a line for each package that requires another version than is installed."""
    try:
        _uv(session, step, application, "pip", "check", "--python", str(python))
    except FailedStepError as error:
        text = error.log.read_text(encoding="utf-8", errors="replace") if error.log else ""
        return CONFLICT.findall(text) or error.lines
    return []


def _refuse_conflicts(file: str, python: Path) -> None:
    """Raise `OperatorError` for versions that the runtime does not work with: it would fail without naming them."""
    command = [str(python), "-I", str(CHECK_REQUIREMENTS), str(PROJECT), file]
    result = subprocess.run(command, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False)  # noqa: S603 - our own program
    if result.returncode != 0:
        raise OperatorError("; ".join(result.stderr.split("\n")).strip("; "), "Remove it or change the version")


def _uv(session: Session, step: Step, application: Application, *arguments: str) -> None:
    # Which index, proxy and certificates are used is for the user's environment to say.
    environment = {name: value for name, value in session.environ.items() if name != "VIRTUAL_ENV"}
    program = Program(
        role="install",
        title=f"Installing the packages of {application.name}",
        command=[str(UV), *arguments],
        environment=environment,
        cwd=application.folder,
        seconds=INSTALL_SECONDS,
        remedy=REMEDY,
    )
    run(session, program, step)


def _link(packages: Path) -> None:
    packages.mkdir(mode=0o700, exist_ok=True)
    for name, source in IMPORTED.items():
        link = packages / name
        if not link.is_symlink():
            link.symlink_to(CHECKOUT / source)
