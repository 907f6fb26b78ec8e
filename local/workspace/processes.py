"""Start, watch and stop child processes: none is orphaned, and no other process is signalled."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from local.workspace.errors import FIX_LAST_LINES, FailedStepError
from local.workspace.folders import CHECKOUT, Folders
from local.workspace.state import Record

MARKER: Final = "ONETRACE_LOCAL_STATE"
"""An environment variable of every child, with the state folder as value, by which orphans are found."""

INHERITED: Final = ("PATH", "HOME", "LANG")
GRACE_SECONDS: Final = 15.0
"""Between SIGTERM and SIGKILL: longer than `contract.SHUTDOWN_DEADLINE_SECONDS`."""
POLL_SECONDS: Final = 0.05
CLOCK_SLACK_SECONDS: Final = 2.0
"""The kernel derives start times from the wall clock, which may be adjusted."""
TAIL_LINES: Final = 15
EARLIER_ERRORS: Final = 5
ERROR_LINE: Final = re.compile(r"([\w.]+(Error|Exception)|error)\b.*:", re.IGNORECASE)


class Supervisor:
    """Starts and stops processes for one state folder. Each writes to its own log and outlives this process."""

    def __init__(self, folders: Folders, environ: Mapping[str, str]) -> None:
        self._folders = folders
        self._base = {name: environ[name] for name in INHERITED if name in environ} | {
            MARKER: str(folders.root),
            "TMPDIR": str(folders.temporary),  # not the shared /tmp
        }
        self._children: dict[Record, subprocess.Popen[bytes]] = {}

    def start(
        self,
        role: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        cwd: Path = CHECKOUT,
        user: str | None = None,
    ) -> Record:
        """Start `command` with `environment` and the variables in `INHERITED`; its output goes to the role's log.

        Only root can name a `user`.
        """
        # Not truncated: an older process of the same role may still write to the file.
        self._folders.log(role).unlink(missing_ok=True)
        with self._folders.log(role).open("wb") as log:
            child = subprocess.Popen(  # noqa: S603 - the commands are this project's own
                command,
                env={**self._base, **environment},
                cwd=cwd,
                user=user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches only the command, which then stops its children in order.
                start_new_session=True,
            )
        record = Record(role, child.pid, psutil.Process(child.pid).create_time())
        self._children[record] = child
        return record

    def exit_code(self, record: Record) -> int | None:
        """Return the exit code of a child of this process; None while it runs."""
        return self._children[record].poll()

    def succeeds(self, command: Sequence[str]) -> bool:
        """Return whether a command, which ends at once, exits with 0."""
        return subprocess.run(command, env=self._base, capture_output=True, check=False).returncode == 0  # noqa: S603 - the commands are this project's own

    def wait_until(
        self,
        ready: Callable[[], bool],
        record: Record,
        *,
        seconds: float,
        what: str,
        remedy: str = "See the lines above",
        progress: Callable[[float], None] = lambda _: None,
        interval: Callable[[], float] = lambda: POLL_SECONDS,
    ) -> None:
        """Wait until `ready`; `progress` gets the seconds so far. Raises `FailedStepError`, with `remedy` if they pass.

        `interval` returns the seconds to the next call of `ready`. It raises at once if the process ends first.
        """
        start = time.monotonic()
        while not ready():
            elapsed = time.monotonic() - start
            if not is_running(record):
                raise self.failure(record, f"{what} exited before it was ready", FIX_LAST_LINES)
            if elapsed > seconds:
                raise self.failure(record, f"{what} was not ready after {seconds:g} s", remedy)
            progress(elapsed)
            time.sleep(interval())

    def failure(self, record: Record, problem: str, remedy: str) -> FailedStepError:
        """Return an error with the last lines of the process's log."""
        log = self._folders.log(record.role)
        return FailedStepError(problem, remedy, log=log, lines=error_lines(log))

    def stop(self, records: Iterable[Record], grace: float = GRACE_SECONDS) -> list[Record]:
        """Stop the running processes among `records`, and their children: SIGTERM, `grace` seconds, SIGKILL."""
        running = [record for record in records if is_running(record)]
        processes = [process for record in running if (process := _process(record))]
        descendants = [child for process in processes for child in _children(process)]
        _signal(processes, psutil.Process.terminate)
        survivors = _wait_for_exit([*processes, *descendants], processes, grace)
        _signal(survivors, psutil.Process.kill)
        _wait_for_exit(survivors, survivors, GRACE_SECONDS)
        for child in self._children.values():
            child.poll()
        return running

    def orphans(self) -> list[Record]:
        """Return every process that has this state folder in its environment, recorded or not."""
        state_folder = str(self._folders.root)
        return [
            Record(process.name(), process.pid, process.create_time())
            for process in psutil.process_iter()
            if _state_folder_of(process) == state_folder
        ]


def is_running(record: Record) -> bool:
    """Return whether the recorded process, not another one with its pid, is running."""
    return _process(record) is not None


def error_lines(log: Path) -> list[str]:
    """Return the last 15 non-empty lines of a log, preceded by up to 5 error lines from before them."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = [line for line in text.splitlines() if line.strip()]
    tail = lines[-TAIL_LINES:]
    errors = dict.fromkeys(line for line in lines[:-TAIL_LINES] if ERROR_LINE.match(line) and line not in tail)
    return [*list(errors)[-EARLIER_ERRORS:], *tail]


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


def _wait_for_exit(
    processes: Sequence[psutil.Process], awaited: Sequence[psutil.Process], seconds: float
) -> list[psutil.Process]:
    """Wait up to `seconds` for `awaited` to exit; return those of `processes` that still run."""
    deadline = time.monotonic() + seconds
    while any(map(_is_alive, awaited)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return [process for process in processes if _is_alive(process)]


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; a zombie does not."""
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


def _state_folder_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return None
