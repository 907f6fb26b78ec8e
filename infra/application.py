"""Describe the application that the stacks deploy and that `make up` runs.

Shared by the stacks, the operations and the local mode; it needs the standard library only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Final

from flask_onetrace.contract import CONTAINER_PORT, RUNTIME_HEALTH_CHECK_PATH, RUNTIME_PROBE_PATH, Variable
from flask_onetrace.settings import Settings

FOLDER_VARIABLE: Final = "APP"
"""The variable, of `make` and of the environment, with the application's folder."""
DEFAULT_FOLDER: Final = Path(__file__).resolve().parent.parent / "service"
"""The sample application's, without symbolic links, as every application's."""

RUNTIME_HEALTH_COMMAND: Final = ("python", "-m", "flask_onetrace.healthcheck")
"""The container's health check in an image with the runtime, which has Python but no curl."""
RUNTIME_USER: Final = "10001:10001"
"""The user of the images that are built here, as `uid:gid`."""

_OK: Final = 200
_NOT_IN_SLUG: Final = re.compile(r"[^a-z0-9_-]+")


class ApplicationError(ValueError):
    """A description that cannot be used: `problem` names the file, the key and the value, `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of the smoke test: what to send, and the status that it must be answered with."""

    path: str
    status: int = _OK
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`$API_KEY` in a value is the variable or secret of that name."""

    def headers_with(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with these values filled in. Raises `LookupError` with a name that has none."""
        return {name: Template(text).substitute(values) for name, text in self.headers.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the task role may do. A resource's `{partition}`, `{region}`, `{account}` and `{environment}` are filled in.

    `reason` acknowledges a wildcard, which `make lint-infra` reports otherwise.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """How the container's image is built, and what the task definition says of it.

    Without a `dockerfile` of its own the application gets the project's, infra/application_image/Dockerfile.
    """

    dockerfile: Path | None = None
    """An absolute path."""
    context: Path | None = None
    """The build context of `dockerfile`, an absolute path."""
    has_runtime: bool = True
    """Whether the runtime serves the application in it, and answers its own routes ahead of it."""
    health_command: tuple[str, ...] | None = RUNTIME_HEALTH_COMMAND
    """The container's health check, as arguments; None leaves it to the load balancer alone."""
    user: str | None = RUNTIME_USER
    """None is the image's own."""
    read_only: bool = True
    """Whether the root file system is read-only at run time: all but /tmp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Which paths are no pages, where the load balancer authenticates users; `*` and `?` are wildcards.

    Without a session every other path is redirected to the login. Health checks are open in any case.
    """

    open_paths: tuple[str, ...] = ()
    """Served to everybody, without the user."""
    optional_paths: tuple[str, ...] = ()
    """Served to everybody, with the user where there is a session."""
    api_paths: tuple[str, ...] = ()
    """Answered with 401 without a session: what pages call by `fetch` cannot follow a login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What differs where `make up` runs the application on this machine."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values of its variables and secrets there."""
    services: tuple[str, ...] = ()
    """The services that it needs: `postgresql` is a database of its own at `DATABASE_URL`."""
    before_start: str | None = None
    """A command that runs before each start with the environment of the task, as to create tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One application: its name, its code, and what it asks of a deployment."""

    name: str
    """Begins the names of its resources in an account: stacks, log group, X-Ray groups, alarms, dashboard, queries."""
    service_name: str
    """`service.name` in OpenTelemetry, and the name of its X-Ray segments: no other application's of the account."""
    folder: Path
    flask_app: str | None = None
    """What `FLASK_APP` takes, `orders:create_app()`; None looks for `wsgi.py` or `app.py`, as Flask does."""
    requirements: str | None = None
    """The file that lists its packages, in its folder; None looks for one (infra/application_packages.py)."""
    image: Image = field(default_factory=Image)
    port: int = CONTAINER_PORT
    health_check_path: str = RUNTIME_HEALTH_CHECK_PATH
    smoke_test: Request = field(default_factory=lambda: Request(path=RUNTIME_PROBE_PATH))
    variables: Mapping[str, str] = field(default_factory=dict)
    environment_variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By environment: added to `variables`, or in place of them."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """The Secrets Manager entry, `<environment>/<slug>/<this>`, of each variable that ECS fills from it."""
    task_role: tuple[Statement, ...] = ()
    login: Login = field(default_factory=Login)
    local: Local = field(default_factory=Local)

    @property
    def is_sample(self) -> bool:
        """Whether it is this project's own, which `APP` need not name."""
        return self.folder == DEFAULT_FOLDER

    @property
    def container_name(self) -> str:
        """The container's name in the task definition."""
        return container_name_of(self.service_name)

    @property
    def slug(self) -> str:
        """The name in lower case, as in the names of secrets."""
        return self.name.lower()

    def variables_in(self, environment: str) -> dict[str, str]:
        """Return its own plain variables in `environment`."""
        return {**self.variables, **self.environment_variables.get(environment, {})}

    def frontend_service_name(self, environment: str) -> str:
        """Return the `service.name` of the spans that its pages send."""
        own = self.variables_in(environment).get(Variable.FRONTEND_SERVICE_NAME)
        return Settings(service_name=self.service_name, frontend_name=own).frontend_service_name

    def user_header(self, environment: str) -> str:
        """Return the request header that names the user where `TRUST_USER_HEADER` is true."""
        return self.variables_in(environment).get(Variable.USER_HEADER) or Settings().user_header


def container_name_of(service_name: str) -> str:
    """Return the container's name for a `service.name`: ECS takes no dot."""
    return service_name.lower().replace(".", "-")


def dataset_slug(service_name: str) -> str:
    """Return the slug by which Honeycomb's API knows the dataset of a `service.name`.

    It is in lower case, and each run of other characters than letters, digits, underscores and hyphens is one hyphen:
    the dataset "my dataset!" is "my-dataset-" ("List All Datasets", Honeycomb API Reference).
    """
    return _NOT_IN_SLUG.sub("-", service_name.lower())


def selected_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that `APP` names, by default that of the sample application."""
    text = environ.get(FOLDER_VARIABLE, "").strip()
    return Path(text).expanduser().resolve() if text else DEFAULT_FOLDER
