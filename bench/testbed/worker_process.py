"""Run a process that measures: it reads one command from each line of its input, and prints the figures as JSON."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager


class WorkerProcess:
    """A running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def run(self, command: str) -> list[float]:
        """Return the figures of one command."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe, by the arguments below
        assert self._process.stdout is not None  # noqa: S101 - the same
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args))} failed: see its error above")  # type: ignore[arg-type]  # a list, below
        figures: list[float] = json.loads(line)
        return figures


@contextmanager
def running_worker(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[WorkerProcess]:
    """Run `command` with further variables of the environment; its input ends with the block, and it must then exit."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, **environment}) as process:  # noqa: S603 - our own module
        try:
            yield WorkerProcess(process)
        finally:
            assert process.stdin is not None  # noqa: S101 - a pipe, by the argument above
            process.stdin.close()
