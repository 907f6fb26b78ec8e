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


CERTIFICATE_ARN: Final = Format(
    r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+", "arn:aws:acm:eu-west-1:…"
)
"""The shape given under "Resource types defined by AWS Certificate Manager" (Service Authorization Reference)."""
EMAIL: Final = Format(r"[^@\s]+@[^@\s]+\.[^@\s]+", "team@example.com")
HONEYCOMB_URL: Final = Format(r"https://[^\s()]+", "https://ui.honeycomb.io/…/board/…")
ROLLBAR_URL: Final = Format(r"https://[^\s()]+", "https://app.rollbar.com/…")
IMAGE: Final = Format(r"[A-Za-z0-9][A-Za-z0-9_./:@-]*", "backend-flask:latest")

OVERRIDES: Final = {
    "certificate_arn": CERTIFICATE_ARN,
    "alarm_email": EMAIL,
    "honeycomb_board": HONEYCOMB_URL,
    "rollbar_items": ROLLBAR_URL,
}
"""The fields of `Environment` that the key of the same name replaces."""


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
        """Read the keys environment, version, image and those of `OVERRIDES`.

        Raises `ContextError`. An absent or empty key means its default.
        """
        overrides: dict[str, Any] = {
            key: value for key, form in OVERRIDES.items() if (value := _value(node, key, form)) is not None
        }
        default_version = project_version()
        version_format = Format(
            rf"[A-Za-z0-9_.+-]{{1,{LONGEST_VERSION}}}", f"{default_version}, {LONGEST_VERSION} characters at most"
        )
        return cls(
            environment=replace(_environment(_text(node, "environment")), **overrides),
            version=_value(node, "version", version_format) or default_version,
            image=_value(node, "image", IMAGE),
        )


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
    return str(node.try_get_context(key) or "")
