"""Find the file that lists an application's packages, and the arguments of pip and uv that install them.

Shared by the image's build and the local mode; it needs the standard library only.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.application import Application, ApplicationError

REQUIREMENTS: Final = "requirements.txt"
PYPROJECT: Final = "pyproject.toml"
SETUP: Final = "setup.py"

_UV_EXPORT: Final = "uv export --no-dev --no-emit-project --output-file requirements.txt"
_POETRY_EXPORT: Final = "poetry export --only main --output requirements.txt (of poetry-plugin-export)"
_PDM_EXPORT: Final = "pdm export --prod --no-self --output requirements.txt"
_EXPORTS: Final = {
    "uv.lock": _UV_EXPORT,
    "poetry.lock": _POETRY_EXPORT,
    "pdm.lock": _PDM_EXPORT,
    "pylock.toml": "uv pip compile pyproject.toml --generate-hashes --output-file requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
    "Pipfile": "pipenv requirements > requirements.txt",
    "environment.yml": "write the packages that come from PyPI into a requirements.txt",
}
"""By file that pip does not read: the command that exports it as a requirements file, or what to do without one."""
_PACKAGE_EXPORTS: Final = {
    "uv.lock": "uv export --no-dev --no-hashes --output-file requirements.txt",
    "poetry.lock": "poetry export --only main --without-hashes --output requirements.txt, with a line -e . added to it",
    "pdm.lock": "pdm export --prod --no-hashes --no-self --output requirements.txt, with a line -e . added to it",
}
"""The same for a project that is a package itself. It is installed as a folder, which has no hash, and pip checks
hashes of all requirements or of none ("Secure installs", pip)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """The packages of an application."""

    file: str
    """The file that lists them, relative to the application's folder."""
    arguments: tuple[str, ...]
    """The arguments of `pip install` or `uv pip install` in that folder."""
    project: str | None = None
    """The folder of the project that the file describes, None if it only lists packages. It is installed as editable,
    so that the code and the templates in use are those of the folder."""
    dependencies: tuple[str, ...] = ()
    """The `dependencies` in the `[project]` of a pyproject.toml, as PEP 508 requirements."""
    unread_lock: str | None = None
    """A lock file beside it, which pip does not read."""

    @property
    def warning(self) -> str | None:
        """The warning about a lock file that is not read, with the command that exports it; None without one."""
        if self.unread_lock is None:
            return None
        exports = _EXPORTS if self.project is None else _EXPORTS | _PACKAGE_EXPORTS
        return (
            f"{self.unread_lock} is not read, so versions are the newest that {self.file} allows;"
            f" to install the locked ones: {exports[self.unread_lock]}"
        )


def packages_of(application: Application) -> Packages | None:
    """Return the packages of the description's `requirements`; None if the application lists none.

    Without `requirements`, the first of requirements.txt, pyproject.toml and setup.py that lists packages is used.
    Raises `ApplicationError` for a file that is malformed, or that pip does not read.
    """
    folder = application.folder
    if application.requirements is not None:
        return _listed_in(folder, application.requirements)
    for name in (REQUIREMENTS, PYPROJECT, SETUP):
        if (folder / name).is_file() and (packages := _listed_in(folder, name)) is not None:
            return packages
    for name in _EXPORTS:
        if (folder / name).exists():
            raise _unread(folder, name)
    _refuse_unnamed(folder)
    return None


def _listed_in(folder: Path, name: str) -> Packages | None:
    file = folder / name
    if file.name in _EXPORTS:
        raise _unread(folder, name)
    if file.name == PYPROJECT:
        return _of_pyproject(folder, name)
    if file.name == SETUP:
        return _project(folder, name)
    return Packages(file=name, arguments=("--requirement", name))


def _of_pyproject(folder: Path, name: str) -> Packages | None:
    """Return the packages of a pyproject.toml, None if it only configures tools.

    With a `[build-system]` it describes a package; without one its `[project]` only lists dependencies, as for uv
    ("Build systems", Projects, uv).
    """
    content = _read(folder / name)
    project, tools = _table(folder / name, content, "project"), _table(folder / name, content, "tool")
    poetry = _table(folder / name, tools, "poetry")
    if _table(folder / name, tools, "uv").get("sources"):
        raise ApplicationError(
            f"{folder / name} has [tool.uv.sources], which pip does not read: it would use the index",
            f"run {_UV_EXPORT}",
        )
    if poetry and ("build-system" not in content or poetry.get("package-mode") is False) and not project:
        raise ApplicationError(
            f"{folder / name} lists its packages for Poetry alone, which pip does not read", f"run {_POETRY_EXPORT}"
        )
    if "build-system" in content and (project or poetry or _has_setup(folder / name)):
        return _project(folder, name, _dependencies(folder / name, project))
    if not project:
        return None
    dynamic = project.get("dynamic")
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        return _project(folder, name)
    dependencies = _dependencies(folder / name, project)
    return Packages(file=name, arguments=dependencies, dependencies=dependencies, unread_lock=_lock(folder / name))


def _project(folder: Path, name: str, dependencies: tuple[str, ...] = ()) -> Packages:
    place = Path(name).parent.as_posix()
    project = place if place == "." else f"./{place}"
    return Packages(
        file=name,
        arguments=("--editable", project),
        project=project,
        dependencies=dependencies,
        unread_lock=_lock(folder / name),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ApplicationError(f"{file} cannot be read: {error}", "correct it") from error


def _table(file: Path, parent: dict[str, Any], key: str) -> dict[str, Any]:
    table = parent.get(key, {})
    if not isinstance(table, dict):
        raise ApplicationError(f"{file}: {key} is no table", f"write [{key}] or leave it out")
    return table


def _dependencies(file: Path, project: dict[str, Any]) -> tuple[str, ...]:
    listed = project.get("dependencies", [])
    if not isinstance(listed, list) or not all(isinstance(each, str) and each[:1].isalnum() for each in listed):
        raise ApplicationError(
            f"{file}: project.dependencies is malformed", 'write a list of requirements, ["flask>=3.1"] (PEP 621)'
        )
    return tuple(" ".join(each.split()) for each in listed)


def _has_setup(file: Path) -> bool:
    return any(file.with_name(each).is_file() for each in (SETUP, "setup.cfg"))


def _lock(file: Path) -> str | None:
    return next((each for each in _EXPORTS if each.endswith("lock") and file.with_name(each).is_file()), None)


def _unread(folder: Path, name: str) -> ApplicationError:
    remedy = _EXPORTS[Path(name).name]
    return ApplicationError(
        f"{folder} lists its packages in {name}, which pip does not read",
        remedy if remedy.startswith("write") else f"run {remedy}",
    )


def _refuse_unnamed(folder: Path) -> None:
    """Raise `ApplicationError` if requirements are only in files of other names: the application would not start."""
    patterns = ("requirements*/*.txt", "requirements*.txt", "*requirements.txt", "requirements*.in")
    names = sorted({path.relative_to(folder).as_posix() for pattern in patterns for path in folder.glob(pattern)})
    if names:
        raise ApplicationError(
            f"{folder} has no {REQUIREMENTS}, but {', '.join(names)}",
            f'name the one to install in onetrace.toml, for example requirements = "{names[0]}"',
        )
    setup = folder / "setup.cfg"
    if setup.is_file() and "install_requires" in setup.read_text(encoding="utf-8", errors="replace"):
        raise ApplicationError(
            f"{folder} lists its packages in setup.cfg alone, which pip does not install",
            f"add a {PYPROJECT} with [build-system], of setuptools.build_meta",
        )
