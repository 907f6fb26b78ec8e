"""Find the application's libraries whose calls are not traced, as their instrumentation is not installed."""

from __future__ import annotations

import sysconfig
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from opentelemetry.instrumentation.bootstrap_gen import libraries
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from local.application.packages import RUNTIME, interpreter, listed_packages, requirement_files
from local.workspace.session import Session

NO_CLIENTS: Final = frozenset(
    f"opentelemetry-instrumentation-{name}"
    for name in (
        *("aiohttp-server", "asgi", "django", "falcon", "fastapi", "flask", "pyramid", "starlette", "tornado"),
        *("asyncclick", "click", "jinja2", "structlog", "system-metrics"),
        "boto3sqs",  # botocore's traces the same calls
    )
)
"""The instrumentations that trace no call to another system: those of servers, and of code, logs and metrics here."""
BELOW: Final = frozenset({"pydantic"})
"""Libraries that are listed under the instrumentation of one that is built on them."""
BUILT_ON: Final = {"boto3": "botocore"}
"""Libraries whose calls are those of another one, which has the instrumentation."""

DRIVERS: Final = frozenset(
    {"asyncpg", "mysql-connector-python", "mysqlclient", "psycopg", "psycopg2", "psycopg2-binary", "pymysql"}
)
"""Database drivers: below SQLAlchemy its instrumentation alone is advised, as with both each statement is two spans."""
SQLALCHEMY: Final = "opentelemetry-instrumentation-sqlalchemy"


def untraced_libraries(session: Session) -> list[str]:
    """Return a line, with the remedy, for each library that the application's requirements bring."""
    application = session.application
    packages = None if application.is_sample else listed_packages(application)
    if packages is None:
        return []
    site_packages = sysconfig.get_path("purelib", vars={"base": str(interpreter(session, application).parents[1])})
    installed: dict[str, str] = {
        canonicalize_name(name): each.version
        for each in distributions(path=[site_packages])
        if (name := each.metadata["Name"])  # none in what is left of a package that was removed
    }
    others = _names(_lines([RUNTIME])) - _names(
        [*packages.dependencies, *_lines(requirement_files(application, packages))]
    )
    brought = {name: version for name, version in installed.items() if name not in others}
    return untraced(brought, installed, packages.file)


def untraced(brought: Mapping[str, str], installed: Collection[str], file: str) -> list[str]:
    """Return a line for each of the libraries, with their versions, whose instrumentation is not `installed`."""
    lines = set()
    for entry in libraries:
        library, instrumentation = Requirement(entry["library"]), Requirement(entry["instrumentation"]).name
        name = canonicalize_name(library.name)
        if name not in brought or name in BELOW or instrumentation in installed or instrumentation in NO_CLIENTS:
            continue
        if name in DRIVERS and (SQLALCHEMY in installed or "sqlalchemy" in brought):
            continue
        line = f"calls of {name} are not traced: add {entry['instrumentation']} to {file}"
        if not library.specifier.contains(brought[name], prereleases=True):
            line += f" and require {name}{library.specifier}, as it does not support {brought[name]}"
        lines.add(line)
    return sorted(lines)


def _lines(files: Iterable[Path]) -> list[str]:
    return [line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]


def _names(requirements: Iterable[str]) -> frozenset[str]:
    """Return the canonical names of the packages that lines of requirements files name."""
    names = {name for line in requirements if (name := _name(line)) is not None}
    return frozenset(names | {BUILT_ON[name] for name in names & BUILT_ON.keys()})


def _name(line: str) -> str | None:
    try:
        return canonicalize_name(Requirement(line.partition(" #")[0].partition(" \\")[0].partition(" --")[0]).name)
    except InvalidRequirement:
        return None
