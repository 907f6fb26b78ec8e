"""Read what is new in the processes' log files and in the log groups of the emulated CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

OVERLAP_MILLISECONDS: Final = 5_000
"""Events may become visible slightly out of order."""
MAX_RECENT_IDS: Final = 10_000
"""Event ids to remember, against printing an event twice."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a process or a container; `source` names which. It is None for the application's own lines.

    `milliseconds` is the time since the epoch, None where only the text may tell.
    """

    source: str | None
    text: str
    milliseconds: int | None = None


@dataclass(slots=True)
class FileTail:
    """Reads the new lines of a file, from the start again when the file is replaced."""

    path: Path
    source: str | None
    offset: int = 0
    inode: int = 0

    def new_entries(self) -> list[Entry]:
        """Return the complete lines since the last call, without empty ones."""
        try:
            with self.path.open("rb") as file:
                stat = self.path.stat()
                if stat.st_ino != self.inode or stat.st_size < self.offset:
                    self.inode, self.offset = stat.st_ino, 0
                file.seek(self.offset)
                unread = file.read()
        except FileNotFoundError:
            return []
        complete = unread[: unread.rfind(b"\n") + 1]
        self.offset += len(complete)
        lines = complete.decode("utf-8", errors="replace").splitlines()
        return [Entry(self.source, line) for line in lines if line.strip()]


@dataclass(slots=True)
class LogGroupTail:
    """Reads the new events of a log group: the application's own, or that of the containers' output."""

    client: CloudWatchLogsClient
    log_group: str
    is_output: bool = False
    since: int = 0
    recent_ids: dict[str, None] = field(default_factory=dict)

    def new_entries(self) -> list[Entry]:
        """Return the events since the last call, none before the group exists.

        Raises `BotoCoreError` where CloudWatch does not respond.
        """
        start = max(0, self.since - OVERLAP_MILLISECONDS)
        pages = self.client.get_paginator("filter_log_events").paginate(logGroupName=self.log_group, startTime=start)
        try:
            events = [event for page in pages for event in page["events"] if event["eventId"] not in self.recent_ids]
        except ClientError:
            return []
        self.recent_ids.update((event["eventId"], None) for event in events)
        for oldest in list(self.recent_ids)[: max(0, len(self.recent_ids) - MAX_RECENT_IDS)]:
            del self.recent_ids[oldest]
        self.since = max([self.since, *(event["timestamp"] for event in events)])
        return [
            Entry(_container(event["logStreamName"]) if self.is_output else None, event["message"], event["timestamp"])
            for event in events
        ]


def _container(stream: str) -> str:
    """Return the container's name of a stream, `<prefix>/<container>/<task id>` ("awslogs", Amazon ECS)."""
    _, _, rest = stream.partition("/")
    return rest.rpartition("/")[0] or stream
