"""Describe the application that the stacks deploy and that `make up` runs.

Shared by the stacks, the operations and the local mode; it needs the standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from flask_onetrace.contract import CONTAINER_PORT, RUNTIME_HEALTH_CHECK_PATH, RUNTIME_PROBE_PATH

FOLDER_VARIABLE: Final = "APP"
"""The variable, of `make` and of the environment, with the application's folder."""
DEFAULT_FOLDER: Final = Path(__file__).parent.parent / "service"

_OK: Final = 200


class ApplicationError(ValueError):
    """A description that cannot be used. The message names the file, the key, the value and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of the smoke test: what to send, and the status that it must be answered with."""

    path: str
    status: int = _OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the task role may do. `{region}`, `{account}` and `{environment}` in a resource are filled in."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What differs where `make up` runs the application on this machine."""

    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of its variables and secrets there."""
    services: tuple[str, ...] = ()
    """What it needs beside it: `postgresql` sets `DATABASE_URL`."""
    before_start: str | None = None
    """A command that runs before each start with the environment of the task, as to create tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application: its name, its code, and what it asks of a deployment."""

    name: str
    """Begins the names of its resources in an account: stacks, log group, X-Ray groups, alarms, dashboard, queries."""
    service_name: str
    """`service.name` in OpenTelemetry, and the name of its X-Ray segments."""
    folder: Path
    flask_app: str | None = None
    """What `FLASK_APP` takes, `orders:create_app()`; None looks for `wsgi.py` or `app.py`, as Flask does."""
    requirements: str | None = None
    """The file with its packages, in its folder."""
    dockerfile: str | None = None
    """Its own Dockerfile, in its folder; None builds the project's with its code and packages."""
    port: int = CONTAINER_PORT
    health_check_path: str = RUNTIME_HEALTH_CHECK_PATH
    smoke_test: Request = field(default_factory=lambda: Request(path=RUNTIME_PROBE_PATH))
    variables: Mapping[str, str] = field(default_factory=dict)
    variables_of: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By environment: added to `variables`, or in place of them."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """The Secrets Manager entry, `<environment>/<this>`, of each variable that ECS fills from it."""
    task_role: tuple[Statement, ...] = ()
    local: Local = field(default_factory=Local)

    @property
    def container_name(self) -> str:
        """The container's name in the task definition."""
        return self.service_name.lower().replace(".", "-")

    @property
    def slug(self) -> str:
        """The name in lower case, as in the names of secrets."""
        return self.name.lower()

    def variables_in(self, environment: str) -> dict[str, str]:
        """Return its own plain variables in `environment`."""
        return {**self.variables, **self.variables_of.get(environment, {})}


def selected_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that `APP` names, by default that of the sample application."""
    text = environ.get(FOLDER_VARIABLE, "").strip()
    return Path(text).expanduser().resolve() if text else DEFAULT_FOLDER
