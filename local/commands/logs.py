"""Follow the output of the processes and the service's log group in the emulated CloudWatch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Output
from local.backing_services import emulator, fakes, postgresql
from local.backing_services.emulated_aws import EmulatedAws
from local.service import runner
from local.workspace.session import Session

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

POLL_SECONDS: Final = 0.5
OVERLAP_MILLISECONDS: Final = 5_000
"""Events may become visible slightly out of order."""
MAX_RECENT_IDS: Final = 10_000
"""Event ids to remember, against printing an event twice."""
ROLES: Final = (emulator.ROLE, fakes.ROLE, postgresql.ROLE, runner.ROLE, runner.CANDIDATE_ROLE)
"""The long-running processes. The CDK's output stays in its own log files."""


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
    """Print all lines so far, each prefixed with its source; with `follow`, continue until Ctrl-C."""
    tails: dict[str, FileTail | LogGroupTail] = {}
    while True:
        for role in ROLES:
            tails.setdefault(role, FileTail(session.folders.log(role)))
        log_group = session.state.outputs.get(Output.LOG_GROUP)
        if session.state.gateway_port is not None and log_group is not None and log_group not in tails:
            tails[log_group] = LogGroupTail(EmulatedAws(session.state.gateway_port).logs, log_group)
        for name, tail in tails.items():
            for line in tail.new_lines():
                session.report.line(f"{name} | {line}")
        if not follow:
            return
        time.sleep(POLL_SECONDS)
