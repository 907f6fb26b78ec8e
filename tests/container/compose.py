"""Parse compose.yaml as `docker compose` does, as far as this project's file needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent.parent
COMPOSE_FILE: Final = ROOT / "compose.yaml"
EXAMPLE: Final = ROOT / ".env.example"

_REFERENCE: Final = re.compile(r"\$\{(\w+)(?:(:[-+])([^${}]*))?\}")
"""`${NAME}`, `${NAME:-default}`, `${NAME:+replacement}` ("Interpolation", Compose file reference), innermost first."""


def services(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return the services with every reference replaced from `environ`."""
    result: dict[str, dict[str, Any]] = _interpolate(content()["services"], environ)
    return result


def variable_names() -> set[str]:
    """Return the names of all variables that the file refers to."""
    names: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - dict's own signature
            names.add(key)
            return default

    _interpolate(content(), Recorder())
    return names


def example() -> dict[str, str]:
    """Return the variables of .env.example."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def content() -> dict[str, Any]:
    """Return the file's content, its references not replaced."""
    document: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return document


def _interpolate(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML value
    if isinstance(value, dict):
        return {key: _interpolate(each, environ) for key, each in value.items()}
    if isinstance(value, list):
        return [_interpolate(each, environ) for each in value]
    return _interpolate_text(value, environ) if isinstance(value, str) else value


def _interpolate_text(text: str, environ: Mapping[str, str]) -> str:
    def one(reference: re.Match[str]) -> str:
        value = environ.get(reference[1], "")
        if reference[2] == ":+":
            return reference[3] if value else ""
        return value or reference[3] or ""

    while (result := _REFERENCE.sub(one, text)) != text:
        text = result
    assert "$" not in text, f"{text!r} refers to a variable in a form that this parser does not support"
    return text
