"""Read compose.yaml as `docker compose` does, as far as this project's goes."""

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
    found: dict[str, dict[str, Any]] = _replaced(_content()["services"], environ)
    return found


def interpolated() -> set[str]:
    """Return the names of every variable that the file refers to."""
    asked: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - dict's own signature
            asked.add(key)
            return default

    _replaced(_content(), Recorder())
    return asked


def example() -> dict[str, str]:
    """Return the variables of .env.example."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return content


def _replaced(value: Any, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - what YAML holds
    if isinstance(value, dict):
        return {key: _replaced(each, environ) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, environ) for each in value]
    return _interpolate(value, environ) if isinstance(value, str) else value


def _interpolate(text: str, environ: Mapping[str, str]) -> str:
    def one(reference: re.Match[str]) -> str:
        value = environ.get(reference[1], "")
        if reference[2] == ":+":
            return reference[3] if value else ""
        return value or reference[3] or ""

    while (made := _REFERENCE.sub(one, text)) != text:
        text = made
    assert "$" not in text, f"{text!r} refers to a variable in a form that this reader does not know"
    return text
