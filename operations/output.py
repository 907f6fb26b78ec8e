"""Prepare standard output and standard error for any text."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from rich.console import Console


def escape_unencodable() -> None:
    """Have both print escapes for what their encoding lacks: in the C locale a table's lines are no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # none where a test or a program has replaced it
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def give_up_output(error: OSError, what: str) -> int:
    """Write nothing more, say why unless a pipe was closed, as by `| head`, and return the exit status."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"error: {what} cannot be written: {error.strerror}\n")
    return 1


def console_of(stream: TextIO, *, piped_width: int) -> Console:
    """Return a console that colours on a terminal only, and interprets no markup in what arrives.

    `piped_width` is the characters of a line where `stream` is no terminal.
    """
    width = None if stream.isatty() else piped_width
    return Console(file=stream, markup=False, emoji=False, highlight=False, width=width)
