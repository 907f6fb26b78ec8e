"""Prepare standard output and standard error for any text."""

from __future__ import annotations

import sys


def escape_unencodable() -> None:
    """Have both print escapes for what their encoding lacks: in the C locale a table's lines are no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # none where a test or a program has replaced it
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
