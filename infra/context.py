"""Read and check the CDK context, `cdk -c key=value`: every choice that is made at synth."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from constructs import Node

from flask_onetrace.contract import LONGEST_VERSION, VERSION_PATTERN
from infra.account import Account
from infra.application import DEFAULT_FOLDER, Application, ApplicationError
from infra.application_file import load
from infra.environments import DEFAULT, ENVIRONMENTS, LOCAL, Environment
from infra.fingerprint import unversioned
from infra.names import Names, check_environment_names

PYPROJECT: Final = Path(__file__).parent.parent / "pyproject.toml"


class ContextError(ValueError):
    """A context value is not one the app knows; the message names key, value and remedy."""


class Format(NamedTuple):
    """A regular expression that a value matches as a whole, and an example of such a value."""

    pattern: str
    example: str


YES_OR_NO: Final = Format(r"yes|no", "yes")
IMAGE: Final = Format(r"[A-Za-z0-9][A-Za-z0-9_./:@-]*", "orders:latest")
REPOSITORY: Final = Format(
    r"[A-Za-z0-9][A-Za-z0-9-]{0,38}(?:@\d+/[A-Za-z0-9._-]{1,100}@\d+|/[A-Za-z0-9._-]{1,100})",
    "octo-org@123456/octo-repo@456789",
)
"""As in the subject of the repository's tokens: of a repository that is newer than July 2026 with the ids of owner and
repository ("Immutable subject claims", OpenID Connect reference, GitHub Docs). It has no wildcard."""
BRANCH: Final = Format(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}", "main")
OIDC_PROVIDER: Final = Format(r"create|existing", "existing")


OVERRIDES: Final = {
    "alarm_email": ("notifications", "email"),
    "honeycomb_board": ("telemetry", "honeycomb_board"),
    "rollbar_items": ("telemetry", "rollbar_items"),
}
"""What a key replaces: a field of a group of `Environment`, which validates it."""
REMOVED_KEYS: Final = {"certificate_arn": "the `domain` of the environment's `ingress` in infra/environments.py"}
"""Keys that are no longer read, and what replaces them: forgotten once, one would undo what it had set."""


def project_version() -> str:
    """Return the version in pyproject.toml."""
    version: str = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The input of one synth: application, environment, version, and the image to name instead of building one."""

    application: Application
    environment: Environment
    version: str
    image: str | None

    @classmethod
    def from_context(cls, node: Node) -> Deployment:
        """Read the keys app, flask_app, environment, version, image, plain_http, protected and those of `OVERRIDES`.

        Raises `ContextError`. An absent or empty key means its default.
        """
        for key, replacement in REMOVED_KEYS.items():
            if _text(node, key):
                raise ContextError(f"{key} is no longer read from the context: set {replacement}")
        version_format = Format(VERSION_PATTERN, f"{project_version()}, {LONGEST_VERSION} characters at most")
        environment = _environment(_text(node, "environment"))
        for key, (group, field) in OVERRIDES.items():
            if text := _text(node, key):
                try:
                    environment = _with(environment, group, field, text)
                except ValueError as error:
                    raise ContextError(f"{key} {text!r} is refused: {error}") from error
        if (plain_http := _value(node, "plain_http", YES_OR_NO)) is not None:
            environment = _with(environment, "ingress", "plain_http", plain_http == "yes")
        if (protected := _value(node, "protected", YES_OR_NO)) is not None:
            environment = replace(environment, protected=protected == "yes")
        if environment.ingress.domain is None and not environment.ingress.plain_http:
            raise ContextError(
                f"environment {environment.name!r} has no domain, so it would serve plain HTTP: set the `domain` "
                "of its `ingress` in infra/environments.py, or accept it with -c plain_http=yes (CDK_CONTEXT= to make)"
            )
        application = _application(node, environment)
        return cls(
            application=application,
            environment=environment,
            version=_value(node, "version", version_format) or _default_version(application),
            image=_value(node, "image", IMAGE),
        )

    @property
    def names(self) -> Names:
        """The names of the resources of both stacks."""
        return Names(self.application, self.environment.name, tutorial=self.environment.tutorial_names)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRolesContext:
    """The input of a synth of the deploy roles: who may assume them, and for which environments of one account."""

    application: Application
    repository: str
    branch: str
    environments: tuple[Environment, ...]
    existing_provider: bool

    @classmethod
    def from_context(cls, node: Node) -> DeployRolesContext:
        """Read the keys app, repository, branch, deploy_environments and oidc_provider.

        Raises `ContextError`. All but the repository have a default, which an empty value means too.
        """
        repository = _value(node, "repository", REPOSITORY)
        if repository is None:
            raise ContextError(
                f"repository is not set: pass -c repository={REPOSITORY.example}, or REPOSITORY= to make; it is the "
                "part between `repo:` and the next colon of the subject that the repository's OIDC settings show"
            )
        environments = _deployable(_text(node, "deploy_environments"))
        return cls(
            application=_application(node, *environments),
            repository=repository,
            branch=_value(node, "branch", BRANCH) or "main",
            environments=environments,
            existing_provider=_value(node, "oidc_provider", OIDC_PROVIDER) == "existing",
        )

    @property
    def account(self) -> Account:
        """What the account of the environments asks of a stack."""
        return self.environments[0].account


def _default_version(application: Application) -> str:
    """Return the sample application's version, which is the project's, and of any other a hash of its files."""
    if application.is_sample:
        return project_version()
    try:
        return unversioned(application.folder)
    except OSError as error:
        raise ContextError(f"the version of {application.folder} is unknown: {error}: pass -c version=…") from error


def _application(node: Node, *environments: Environment) -> Application:
    """Return the application in the folder of the key app, whose name goes with those of the environments."""
    try:
        text = _text(node, "app")
        application = load(Path(text).expanduser() if text else DEFAULT_FOLDER, _text(node, "flask_app") or None)
        check_environment_names(ENVIRONMENTS)
        for each in environments:
            Names(application, each.name)
    except (ApplicationError, RuntimeError) as error:  # RuntimeError: no home folder for a ~
        raise ContextError(str(error)) from error
    return application


def _deployable(names: str) -> tuple[Environment, ...]:
    """Return the environments of a comma-separated list; an empty one means all that are deployed to AWS."""
    deployable = {name: each for name, each in ENVIRONMENTS.items() if each is not LOCAL}
    selected = names.split(",") if names else list(deployable)
    for name in selected:
        if name not in deployable:
            raise ContextError(
                f"deploy_environments {names!r} has the unknown environment {name!r}: "
                f"pass -c deploy_environments={','.join(deployable)}, or some of these"
            )
    environments = tuple(deployable[name] for name in dict.fromkeys(selected))
    if len({each.account.permissions_boundary for each in environments}) > 1:
        raise ContextError(
            f"deploy_environments {','.join(each.name for each in environments)!r} have different permissions "
            f"boundaries, so that they are in different accounts: pass -c deploy_environments={environments[0].name} "
            "in its own, and likewise the others"
        )
    return environments


def _with(environment: Environment, group: str, field: str, value: object) -> Environment:
    fields: dict[str, Any] = {group: replace(getattr(environment, group), **{field: value})}
    return replace(environment, **fields)


def _environment(name: str) -> Environment:
    environment = ENVIRONMENTS.get(name or DEFAULT.name)
    if environment is None:
        raise ContextError(
            f"environment {name!r} is not known: pass -c environment=<{'|'.join(ENVIRONMENTS)}>, or ENV= to make"
        )
    return environment


def _value(node: Node, key: str, form: Format) -> str | None:
    text = _text(node, key)
    if text and not re.fullmatch(form.pattern, text):
        raise ContextError(f"{key} {text!r} is malformed: pass for example -c {key}={form.example}")
    return text or None


def _text(node: Node, key: str) -> str:
    value = node.try_get_context(key)
    if isinstance(value, bool):  # as in a cdk.json
        return "yes" if value else "no"
    return str(value or "")
