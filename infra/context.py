"""Read and check the CDK context, `cdk -c key=value`: every choice that is made at synth."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from constructs import Node

from infra.environments import DEFAULT, ENVIRONMENTS, Environment
from service.contract import LONGEST_VERSION

PYPROJECT: Final = Path(__file__).parent.parent / "pyproject.toml"


class ContextError(ValueError):
    """A context value is not one the app knows; the message names key, value and remedy."""


class Format(NamedTuple):
    """A regular expression that a value matches as a whole, and an example of such a value."""

    pattern: str
    example: str


EMAIL: Final = Format(r"[^@\s]+@[^@\s]+\.[^@\s]+", "team@example.com")
HONEYCOMB_URL: Final = Format(r"https://[^\s()]+", "https://ui.honeycomb.io/…/board/…")
ROLLBAR_URL: Final = Format(r"https://[^\s()]+", "https://app.rollbar.com/…")
YES_OR_NO: Final = Format(r"yes|no", "yes")
IMAGE: Final = Format(r"[A-Za-z0-9][A-Za-z0-9_./:@-]*", "backend-flask:latest")


class Override(NamedTuple):
    """What a key replaces: the `field` of the `group` of `Environment`, by a value of this form."""

    group: str
    field: str
    form: Format


OVERRIDES: Final = {
    "alarm_email": Override("notifications", "email", EMAIL),
    "honeycomb_board": Override("telemetry", "honeycomb_board", HONEYCOMB_URL),
    "rollbar_items": Override("telemetry", "rollbar_items", ROLLBAR_URL),
}
MOVED: Final = {"certificate_arn": "the `domain` of the environment's `ingress` in infra/environments.py"}
"""Keys that are no longer read, and what replaces them: forgotten once, one would undo what it had set."""


def project_version() -> str:
    """Return the version in pyproject.toml."""
    version: str = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return version


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The input of one synth: the environment, the version to run, and the image to name instead of building one."""

    environment: Environment
    version: str
    image: str | None

    @classmethod
    def from_context(cls, node: Node) -> Deployment:
        """Read the keys environment, version, image, plain_http, protected and those of `OVERRIDES`.

        Raises `ContextError`. An absent or empty key means its default.
        """
        for key, replacement in MOVED.items():
            if _text(node, key):
                raise ContextError(f"{key} is no longer read from the context: set {replacement}")
        default_version = project_version()
        version_format = Format(
            rf"[A-Za-z0-9_.+-]{{1,{LONGEST_VERSION}}}", f"{default_version}, {LONGEST_VERSION} characters at most"
        )
        environment = _environment(_text(node, "environment"))
        for key, (group, field, form) in OVERRIDES.items():
            if (text := _value(node, key, form)) is not None:
                environment = _with(environment, group, field, text)
        if (plain_http := _value(node, "plain_http", YES_OR_NO)) is not None:
            environment = _with(environment, "ingress", "plain_http", plain_http == "yes")
        if (protected := _value(node, "protected", YES_OR_NO)) is not None:
            environment = replace(environment, protected=protected == "yes")
        if environment.ingress.domain is None and not environment.ingress.plain_http:
            raise ContextError(
                f"environment {environment.name!r} has no domain, so it would serve plain HTTP: set the `domain` "
                "of its `ingress` in infra/environments.py, or accept it with -c plain_http=yes (CDK_CONTEXT= to make)"
            )
        return cls(
            environment=environment,
            version=_value(node, "version", version_format) or default_version,
            image=_value(node, "image", IMAGE),
        )


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
