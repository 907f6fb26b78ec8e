"""Run the CDK command line as a child that owns the terminal."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final, NamedTuple

NOT_FOUND: Final = 127
"""The exit status of a command that cannot be started, as in a shell (POSIX)."""
SIGNALLED: Final = 128
"""Added to a signal's number, as in a shell."""


class Finished(NamedTuple):
    """The exit status, as a shell has it, and whether Ctrl-C or SIGTERM came meanwhile."""

    status: int
    is_interrupted: bool


def run(command: Sequence[str]) -> Finished:
    """Run the command and wait for it; its input, output and errors are this process's own."""
    children: list[subprocess.Popen[bytes]] = []
    with _signals_left_to(children) as received:
        try:
            children.append(subprocess.Popen(command))  # noqa: S603 - the operator's own command line, without a shell
        except OSError as error:
            sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}. Run make setup.\n")
            return Finished(NOT_FOUND, is_interrupted=False)
        status = children[0].wait()
    return Finished(status if status >= 0 else SIGNALLED - status, is_interrupted=bool(received))


@contextmanager
def _signals_left_to(children: Sequence[subprocess.Popen[bytes]]) -> Iterator[list[int]]:
    """Outlive SIGINT, which the terminal sends to children too, and pass SIGTERM on; yield the signals received."""
    received: list[int] = []

    def note(signum: int, _frame: FrameType | None) -> None:
        received.append(signum)
        for child in children if signum == signal.SIGTERM else ():
            child.terminate()

    previous = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
