"""Believe the header in which a caller names its own user: outside production alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def user_of_header(name: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Return a function that returns the header `name` of a WSGI environment, None where it is absent or empty."""
    key = f"HTTP_{name.upper().replace('-', '_')}"

    def user_of(environ: Mapping[str, Any]) -> str | None:
        return environ.get(key) or None

    return user_of
