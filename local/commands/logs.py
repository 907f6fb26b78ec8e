"""Follow what the processes print and what the service logs to the emulated CloudWatch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.backing_services import emulator, fakes
from local.backing_services.emulated_aws import EmulatedAws
from local.service import runner
from local.workspace.session import Desk
from service.contract import LOG_GROUP

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

POLL_SECONDS: Final = 0.5
OVERLAP_MILLISECONDS: Final = 5_000
"""Events may become visible a little out of order."""
REMEMBERED: Final = 10_000
ROLES: Final = (emulator.ROLE, fakes.ROLE, runner.ROLE)
"""The processes that stay; what the CDK said is in its own log files."""


@dataclass(slots=True)
class FileTail:
    """The lines of one file that were not read yet; starts over when the file is replaced."""

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
        found = self.path.stat()
        replaced = found.st_ino != self.inode or found.st_size < self.offset
        if replaced:
            self.inode, self.offset = found.st_ino, 0
        return replaced

    def _read(self, unread: bytes) -> list[str]:
        complete = unread[: unread.rfind(b"\n") + 1]
        self.offset += len(complete)
        return complete.decode("utf-8", errors="replace").splitlines()


@dataclass(slots=True)
class GroupTail:
    """The events of the log group that were not shown yet."""

    client: CloudWatchLogsClient
    since: int = 0
    shown: dict[str, None] = field(default_factory=dict)

    def new_lines(self) -> list[str]:
        """Return the messages since the last call; none while CloudWatch does not answer."""
        try:
            start = max(0, self.since - OVERLAP_MILLISECONDS)
            events = self.client.filter_log_events(logGroupName=LOG_GROUP, startTime=start)["events"]
        except (BotoCoreError, ClientError):
            return []
        fresh = [event for event in events if event["eventId"] not in self.shown]
        self.shown.update((event["eventId"], None) for event in fresh)
        for oldest in list(self.shown)[: max(0, len(self.shown) - REMEMBERED)]:
            del self.shown[oldest]
        self.since = max([self.since, *(event["timestamp"] for event in fresh)])
        return [event["message"] for event in fresh]


def logs(desk: Desk, *, follow: bool) -> None:
    """Print what there is, each line after its source's name, and go on until Ctrl-C when `follow`."""
    tails: dict[str, FileTail | GroupTail] = {}
    while True:
        for role in ROLES:
            tails.setdefault(role, FileTail(desk.folders.log(role)))
        if desk.state.gateway_port is not None and LOG_GROUP not in tails:
            tails[LOG_GROUP] = GroupTail(EmulatedAws(desk.state.gateway_port).logs)
        for name, tail in tails.items():
            for line in tail.new_lines():
                desk.report.line(f"{name} | {line}")
        if not follow:
            return
        time.sleep(POLL_SECONDS)
