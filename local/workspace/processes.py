"""Start, watch and stop processes, so that none is lost and no stranger is hit."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from local.workspace.errors import FailedStepError
from local.workspace.folders import CHECKOUT, Folders
from local.workspace.state import Record

MARKER: Final = "CRUDDUR_LOCAL_STATE"
"""Every process gets it in its environment, with the state folder as value: so a lost one is found again."""

INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR")
GRACE_SECONDS: Final = 15.0
"""Between SIGTERM and SIGKILL: longer than the service's own deadline for flushing its telemetry."""
POLL_SECONDS: Final = 0.1
CLOCK_SLACK_SECONDS: Final = 2.0
"""The system derives start times from the time of day, which may be adjusted in between."""
LAST_LINES: Final = 15
LAST_ERRORS: Final = 5
ERROR_LINE: Final = re.compile(r"([\w.]+(Error|Exception)|error)\b.*:", re.IGNORECASE)


class Supervisor:
    """Starts processes for one state folder. Each writes to its own log and survives this one."""

    def __init__(self, folders: Folders, environ: Mapping[str, str]) -> None:
        self._folders = folders
        self._base = {name: environ[name] for name in INHERITED if name in environ} | {MARKER: str(folders.root)}
        self._children: dict[Record, subprocess.Popen[bytes]] = {}

    def start(
        self, role: str, command: Sequence[str], environment: Mapping[str, str], *, cwd: Path = CHECKOUT
    ) -> Record:
        """Start `command` with `environment` and the few inherited variables, its output in the role's log."""
        # A new file: a process of the same role may still write to the old one.
        self._folders.log(role).unlink(missing_ok=True)
        with self._folders.log(role).open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 - the commands are this project's own
                command,
                env={**self._base, **environment},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C on the terminal is for the command that started it, which then stops it in order.
                start_new_session=True,
            )
        record = Record(role, child.pid, psutil.Process(child.pid).create_time())
        self._children[record] = child
        return record

    def exit_code(self, record: Record) -> int | None:
        """Return how a process that this started ended; None while it runs."""
        return self._children[record].poll()

    def wait_until(self, ready: Callable[[], bool], record: Record, *, seconds: float, what: str) -> None:
        """Wait until `ready`; raises `FailedStepError` when the process ends before, or time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not is_running(record):
                raise self.failure(record, f"{what} ended before it was ready", "Mend what its last lines say")
            if time.monotonic() > deadline:
                raise self.failure(record, f"{what} is not ready after {seconds:g} s", "See its last lines")
            time.sleep(POLL_SECONDS)

    def failure(self, record: Record, problem: str, remedy: str) -> FailedStepError:
        """Return the error that shows the last lines of the process's log."""
        log = self._folders.log(record.role)
        return FailedStepError(problem, remedy, log=log, lines=telling_lines(log))

    def stop(self, records: Iterable[Record]) -> list[Record]:
        """Stop what still runs of `records`, children included: SIGTERM, a bounded wait, SIGKILL."""
        running = [record for record in records if is_running(record)]
        processes = [process for record in running if (process := _process(record))]
        family = [child for process in processes for child in _children(process)]
        _signal(processes, psutil.Process.terminate)
        left = _wait_for_end([*processes, *family], processes)
        _signal(left, psutil.Process.kill)
        _wait_for_end(left, left)
        for child in self._children.values():
            child.poll()
        return running

    def strays(self) -> list[Record]:
        """Return every process that carries this state folder's mark, whether recorded or not."""
        mark = str(self._folders.root)
        return [
            Record(process.name(), process.pid, process.create_time())
            for process in psutil.process_iter()
            if _mark_of(process) == mark
        ]


def is_running(record: Record) -> bool:
    """Tell whether this very process, not another one with its pid, still runs."""
    return _process(record) is not None


def telling_lines(log: Path) -> list[str]:
    """Return the end of a log without empty lines, and before it the errors that its earlier part names."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-LAST_LINES:]
    named = dict.fromkeys(line for line in lines[:-LAST_LINES] if ERROR_LINE.match(line) and line not in last)
    return [*list(named)[-LAST_ERRORS:], *last]


def _process(record: Record) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < CLOCK_SLACK_SECONDS
        return process if same and _is_alive(process) else None
    except psutil.NoSuchProcess:
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _wait_for_end(everyone: Sequence[psutil.Process], awaited: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Wait, bounded, until the `awaited` ended; return who of `everyone` is left."""
    deadline = time.monotonic() + GRACE_SECONDS
    while any(map(_is_alive, awaited)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return [process for process in everyone if _is_alive(process)]


def _is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs: one that ended and was not reaped by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        try:
            send(process)
        except psutil.NoSuchProcess:
            continue


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return None
