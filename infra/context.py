"""Read what `cdk -c key=value` says: the one door for choices made at synth."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from constructs import Node

from infra.environments import DEFAULT, ENVIRONMENTS, Environment
from service import __version__
from service.contract import LONGEST_VERSION

CERTIFICATE_ARN: Final = r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[A-Za-z0-9-]+"
"""The shape given under "Resource types defined by AWS Certificate Manager" (Service Authorization Reference)."""
EMAIL: Final = r"[^@\s]+@[^@\s]+\.[^@\s]+"
VERSION: Final = rf"[A-Za-z0-9_.+-]{{1,{LONGEST_VERSION}}}"
ADDRESS: Final = r"https://[^\s()]+"
IMAGE: Final = r"[A-Za-z0-9][A-Za-z0-9_./:@-]*"


class ContextError(ValueError):
    """A context value is not one the app knows; the message names key, value and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One synth: the environment, the version to run, and a plain image to name instead of building one."""

    environment: Environment
    version: str
    image: str | None

    @classmethod
    def from_context(cls, node: Node) -> Deployment:
        """Read and check its keys: environment, version, image and those that replace a value of the environment.

        Raises `ContextError`. An absent or empty key means its default.
        """
        environment = _environment(_text(node, "environment"))
        return cls(
            environment=replace(
                environment,
                certificate_arn=_matching(node, "certificate_arn", CERTIFICATE_ARN, "arn:aws:acm:eu-west-1:…")
                or environment.certificate_arn,
                alarm_email=_matching(node, "alarm_email", EMAIL, "team@example.com") or environment.alarm_email,
                honeycomb_board=_matching(node, "honeycomb_board", ADDRESS, "https://ui.honeycomb.io/…/board/…")
                or environment.honeycomb_board,
                rollbar_items=_matching(node, "rollbar_items", ADDRESS, "https://app.rollbar.com/…")
                or environment.rollbar_items,
            ),
            version=_matching(node, "version", VERSION, f"{__version__}, {LONGEST_VERSION} characters at most")
            or __version__,
            image=_matching(node, "image", IMAGE, "backend-flask:latest"),
        )


def _environment(name: str) -> Environment:
    chosen = ENVIRONMENTS.get(name or DEFAULT.name)
    if chosen is None:
        raise ContextError(f"environment {name!r} is not known: pass -c environment=<{'|'.join(ENVIRONMENTS)}>")
    return chosen


def _matching(node: Node, key: str, pattern: str, example: str) -> str | None:
    text = _text(node, key)
    if text and not re.fullmatch(pattern, text):
        raise ContextError(f"{key} {text!r} is malformed: pass for example -c {key}={example}")
    return text or None


def _text(node: Node, key: str) -> str:
    return str(node.try_get_context(key) or "")
