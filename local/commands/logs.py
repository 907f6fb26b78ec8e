"""Follow the output of the processes and the service's log group in the emulated CloudWatch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Output
from local.backing_services import emulator, fakes, log_group, postgresql
from local.backing_services.emulated_aws import EmulatedAws
from local.service import revision, runner
from local.workspace.session import Session
from local.workspace.state import State
from operations.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

POLL_SECONDS: Final = 0.5
OVERLAP_MILLISECONDS: Final = 5_000
"""Events may become visible slightly out of order."""
MAX_RECENT_IDS: Final = 10_000
"""Event ids to remember, against printing an event twice."""
ROLES: Final = (emulator.ROLE, fakes.ROLE, postgresql.ROLE, runner.ROLE, runner.CANDIDATE_ROLE, log_group.ROLE)
"""The long-running processes, and the log group of an emulator that is stopped. The CDK's output stays in its own
log files."""


@dataclass(slots=True)
class FileTail:
    """Reads the new lines of a file, from the start again when the file is replaced."""

    path: Path
    offset: int = 0
    inode: int = 0

    def new_lines(self) -> list[str]:
        """Return the complete lines since the last call."""
        try:
            with self.path.open("rb") as file:
                return self._read(file.read() if self._restarted() else file.read()[self.offset :])
        except FileNotFoundError:
            return []

    def _restarted(self) -> bool:
        stat = self.path.stat()
        replaced = stat.st_ino != self.inode or stat.st_size < self.offset
        if replaced:
            self.inode, self.offset = stat.st_ino, 0
        return replaced

    def _read(self, unread: bytes) -> list[str]:
        complete = unread[: unread.rfind(b"\n") + 1]
        self.offset += len(complete)
        return complete.decode("utf-8", errors="replace").splitlines()


@dataclass(slots=True)
class LogGroupTail:
    """Reads the new events of the service's log group."""

    client: CloudWatchLogsClient
    log_group: str
    since: int = 0
    recent_ids: dict[str, None] = field(default_factory=dict)

    def new_lines(self) -> list[str]:
        """Return the messages since the last call, none while CloudWatch does not respond."""
        try:
            start = max(0, self.since - OVERLAP_MILLISECONDS)
            events = self.client.filter_log_events(logGroupName=self.log_group, startTime=start)["events"]
        except (BotoCoreError, ClientError):
            return []
        fresh = [event for event in events if event["eventId"] not in self.recent_ids]
        self.recent_ids.update((event["eventId"], None) for event in fresh)
        for oldest in list(self.recent_ids)[: max(0, len(self.recent_ids) - MAX_RECENT_IDS)]:
            del self.recent_ids[oldest]
        self.since = max([self.since, *(event["timestamp"] for event in fresh)])
        return [event["message"] for event in fresh]


def logs(session: Session, *, follow: bool) -> None:
    """Print all lines so far, each prefixed with its source; with `follow`, continue until Ctrl-C.

    Raises `OperatorError` after the last lines if nothing is running, or no longer.
    """
    tails: dict[str, FileTail | LogGroupTail] = {role: FileTail(session.folders.log(role)) for role in ROLES}
    followed = False
    while True:
        up = session.running(emulator.ROLE) is not None
        if up and (aws := EmulatedAws.of(session.state)) is not None:
            for group in _log_groups(session, aws):
                if group not in tails:
                    tails[group] = LogGroupTail(aws.logs, group)
        printed = _print_new_lines(session, tails, up=up)
        if not up:
            raise _not_running(followed=followed, printed=printed)
        if not follow:
            return
        time.sleep(POLL_SECONDS)
        followed = True
        session.state = State.load(session.folders.state_file)


def _log_groups(session: Session, aws: EmulatedAws) -> list[str]:
    """Return the log group of the application's lines and, where it runs in containers, that of their output."""
    outputs, groups = session.state.outputs, []
    if Output.LOG_GROUP in outputs:
        groups.append(outputs[Output.LOG_GROUP])
    if session.state.containers is not None:
        groups += revision.output_groups(aws, session.state.containers.task_definition)
    return groups


def _print_new_lines(session: Session, tails: Mapping[str, FileTail | LogGroupTail], *, up: bool) -> bool:
    """Print what is new, of CloudWatch only while its emulator is up; return whether there was anything."""
    lines = [
        f"{name} | {line}"
        for name, tail in tails.items()
        if up or isinstance(tail, FileTail)
        for line in tail.new_lines()
    ]
    for line in lines:
        session.report.line(line)
    return bool(lines)


def _not_running(*, followed: bool, printed: bool) -> OperatorError:
    if followed:
        return OperatorError("The local deployment is no longer running", "Start it again with make up")
    problem = "Nothing is running; these are the logs of the last run" if printed else "Nothing is running"
    return OperatorError(problem, "Start with make up")
