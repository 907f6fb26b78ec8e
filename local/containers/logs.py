"""Send the output of a container to CloudWatch Logs, as the awslogs driver does.

Source: "Send Amazon ECS logs to CloudWatch" and "PutLogEvents" (10,000 events and 1 MiB a call, 26 bytes an event).
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.containers.errors import TaskStartError
from local.containers.launch import RoleError
from local.containers.roles import ExecutionRole, cause

if TYPE_CHECKING:
    from docker.types import CancellableStream

Event = tuple[int, str]
"""Milliseconds since the epoch, and one line."""
SEND_SECONDS: Final = 1.0
"""Between two batches; the driver's own are 5 s apart, which is long for those who watch."""
MAX_BATCH_EVENTS: Final = 10_000
MAX_BATCH_BYTES: Final = 1_048_576
EVENT_BYTES: Final = 26
MAX_EVENT_BYTES: Final = 262_144 - EVENT_BYTES
DEFAULT_BUFFER_BYTES: Final = 10 * 1024 * 1024
"""Of the mode non-blocking ("max-buffer-size")."""
CLOSE_SECONDS: Final = 10.0
UNITS: Final = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class LogStream:
    """The log stream of one container, `container/task id` after the prefix; it outlives the container's restarts.

    Raises `TaskStartError` where it cannot be created.
    """

    def __init__(
        self, options: Mapping[str, str], name: str, *, role: ExecutionRole, log: Callable[[str], None]
    ) -> None:
        self.group = options["awslogs-group"]
        self.name = f"{options['awslogs-stream-prefix']}/{name}"
        self._lines = _LineQueue(options)
        self._log = log
        self._client = role.client("logs")
        self._create(create_group=options.get("awslogs-create-group") == "true")
        self._readers: list[Thread] = []
        self._sender = Thread(target=self._send, name=f"batches for {self.name}", daemon=True)
        self._sender.start()

    def read(self, output: CancellableStream[bytes]) -> Thread:
        """Take lines from an output until it ends, in a thread of its own, which is returned."""
        reader = Thread(target=self._read, args=(output,), name=f"output for {self.name}", daemon=True)
        self._readers.append(reader)
        reader.start()
        return reader

    def close(self) -> None:
        """Send what the container has written. The container has ended."""
        deadline = time.monotonic() + CLOSE_SECONDS
        for reader in self._readers:
            reader.join(max(0.0, deadline - time.monotonic()))
        self._lines.close()
        self._sender.join(max(0.0, deadline - time.monotonic()))

    def _create(self, *, create_group: bool) -> None:
        try:
            if create_group:
                self._create_group()
            self._client.create_log_stream(logGroupName=self.group, logStreamName=self.name)
        except self._client.exceptions.ResourceAlreadyExistsException:
            pass
        except (ClientError, BotoCoreError, RoleError) as error:
            raise TaskStartError(
                "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
                f"failed to create Cloudwatch log stream: {cause(error)}"
            ) from error

    def _create_group(self) -> None:
        try:
            self._client.create_log_group(logGroupName=self.group)
        except self._client.exceptions.ResourceAlreadyExistsException:
            return

    def _read(self, output: CancellableStream[bytes]) -> None:
        rest = b""
        for chunk in output:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._lines.put(line)
            # A line that does not end would be held in memory, and copied with each chunk.
            while len(rest) >= MAX_EVENT_BYTES:
                self._lines.put(rest[:MAX_EVENT_BYTES])
                rest = rest[MAX_EVENT_BYTES:]
        self._lines.put(rest)
        # Its own `close` leaves the descriptor of the socket to the garbage collector.
        output._response.close()  # type: ignore[attr-defined] # private

    def _send(self) -> None:
        while (batch := self._lines.next_batch()) is not None:
            events = [{"timestamp": milliseconds, "message": line} for milliseconds, line in batch]
            try:
                self._client.put_log_events(logGroupName=self.group, logStreamName=self.name, logEvents=events)
            except (ClientError, BotoCoreError, RoleError) as error:
                self._log(f"dropped {len(events)} log events of {self.name}: {cause(error)}")


class _LineQueue:
    """Bounded in bytes. Where it is full, `put` waits or, in the mode non-blocking, drops the line."""

    def __init__(self, options: Mapping[str, str]) -> None:
        # Since June 2025 Amazon ECS's default; the option is written out in the stacks.
        self._blocking = options.get("mode", "non-blocking") == "blocking"
        self._capacity = size_of(options.get("max-buffer-size")) or DEFAULT_BUFFER_BYTES
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = Condition()

    def put(self, line: bytes) -> None:
        """Add the events of one line; an empty line is none."""
        milliseconds = int(time.time() * 1000)
        for start in range(0, len(line.rstrip(b"\r")), MAX_EVENT_BYTES):
            part = line[start : start + MAX_EVENT_BYTES].rstrip(b"\r").decode("utf-8", "replace")
            self._put((milliseconds, part))

    def _put(self, event: Event) -> None:
        with self._changed:
            while self._blocking and not self._closed and self._bytes >= self._capacity:
                self._changed.wait()
            if self._closed or self._bytes >= self._capacity:
                return
            self._events.append(event)
            self._bytes += _size(event)
            self._changed.notify_all()

    def close(self) -> None:
        """Have what is queued sent at once, and nothing more added."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def next_batch(self) -> list[Event] | None:
        """Wait for events, and some more; return what fits in one call. None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closed)
            self._changed.wait_for(lambda: self._closed or self._bytes >= MAX_BATCH_BYTES, timeout=SEND_SECONDS)
            if not self._events:
                return None
            batch: list[Event] = []
            size = 0
            while self._events and len(batch) < MAX_BATCH_EVENTS and size + _size(self._events[0]) <= MAX_BATCH_BYTES:
                size += _size(self._events[0])
                batch.append(self._events.popleft())
            self._bytes -= size
            self._changed.notify_all()
            return batch


def _size(event: Event) -> int:
    return len(event[1].encode()) + EVENT_BYTES


def size_of(text: Any) -> int:  # noqa: ANN401 - an option of a task definition
    """Return the bytes of a size as Docker writes it, `4m` or `4194304b`; 0 for anything else."""
    match = re.fullmatch(r"(\d+)([bkmg]?)b?", str(text or "").strip().lower())
    return int(match[1]) * UNITS[match[2]] if match else 0
