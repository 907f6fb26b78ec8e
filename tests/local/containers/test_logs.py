"""Lines are queued within bounds and sent in batches that PutLogEvents takes."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from local.containers import logs
from local.containers.logs import EVENT_BYTES, MAX_EVENT_BYTES, LogStream, _LineQueue, size_of

OPTIONS = {"awslogs-group": "web", "awslogs-stream-prefix": "web"}


class FakeLogs:
    """The client of CloudWatch Logs."""

    class exceptions:  # noqa: N801 - as botocore's
        class ResourceAlreadyExistsException(Exception):  # noqa: N818 - the same
            pass

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []

    def create_log_stream(self, **names: str) -> None:
        self.names = names

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **names: str) -> None:  # noqa: N803 - the API's
        assert names == self.names
        self.batches.append(logEvents)

    @property
    def lines(self) -> list[str]:
        return [event["message"] for batch in self.batches for event in batch]


class FakeRole:
    def __init__(self, client: FakeLogs) -> None:
        self._client = client

    def client(self, service: str) -> FakeLogs:
        assert service == "logs"
        return self._client


class FakeOutput:
    """The engine's stream of a container's output."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self._response = self
        self.closed = False

    def __iter__(self) -> Any:  # noqa: ANN401 - chunks
        return iter(self._chunks)

    def close(self) -> None:
        self.closed = True


def stream(client: FakeLogs, **options: str) -> LogStream:
    return LogStream({**OPTIONS, **options}, "app/task", role=FakeRole(client), log=print)  # type: ignore[arg-type] # a fake


def test_the_lines_of_all_outputs_are_in_the_stream_once_it_is_closed() -> None:
    client = FakeLogs()
    log = stream(client)
    outputs = [FakeOutput(b"one\ntw", b"o\n\n", b"\xff\r\nrest"), FakeOutput(b"again\n")]
    for output in outputs:
        log.read(output).join()  # type: ignore[arg-type] # a fake
    log.close()
    assert client.names == {"logGroupName": "web", "logStreamName": "web/app/task"}
    assert client.lines == ["one", "two", "�", "rest", "again"]
    assert all(each.closed for each in outputs)


def test_a_long_line_is_several_events() -> None:
    queue = _LineQueue({})
    queue.put(b"x" * (MAX_EVENT_BYTES + 1))
    queue.close()
    assert [len(text) for _, text in queue.next_batch() or ()] == [MAX_EVENT_BYTES, 1]


def test_of_a_line_that_does_not_end_no_more_than_an_event_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    log = stream(FakeLogs())
    queued: list[int] = []
    held: list[int] = []
    monkeypatch.setattr(log._lines, "put", lambda line: queued.append(len(line)))

    class Endless(FakeOutput):
        def __iter__(self) -> Any:  # noqa: ANN401 - chunks
            for number in range(64):
                yield b"x" * 65_536
                held.append((number + 1) * 65_536 - sum(queued))

    log.read(Endless()).join()  # type: ignore[arg-type] # a fake
    log.close()
    assert max(held) < MAX_EVENT_BYTES
    assert sum(queued) == 64 * 65_536
    assert max(queued) == MAX_EVENT_BYTES


def test_without_blocking_a_full_queue_drops_lines() -> None:
    queue = _LineQueue({"mode": "non-blocking", "max-buffer-size": "64b"})
    for line in (b"one", b"two", b"three", b"four"):
        queue.put(line)
    queue.close()
    assert [text for _, text in queue.next_batch() or ()] == ["one", "two", "three"]


def test_with_blocking_a_full_queue_waits() -> None:
    queue = _LineQueue({"mode": "blocking", "max-buffer-size": "1b"})
    queue.put(b"one")
    writer = threading.Thread(target=queue.put, args=(b"two",))
    writer.start()
    assert [text for _, text in queue.next_batch() or ()] == ["one"]
    writer.join(5)
    assert not writer.is_alive()
    queue.close()
    assert [text for _, text in queue.next_batch() or ()] == ["two"]
    assert queue.next_batch() is None


@pytest.mark.parametrize("seed", range(40))
def test_batches_are_within_the_limits_and_have_every_line_in_its_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    lines = [b"x" + draw.randbytes(draw.randrange(200)).replace(b"\n", b" ") for _ in range(draw.randrange(60))]
    limit = 700 + EVENT_BYTES
    monkeypatch.setattr(logs, "MAX_BATCH_BYTES", limit)
    monkeypatch.setattr(logs, "MAX_BATCH_EVENTS", 7)
    queue = _LineQueue({})
    for line in lines:
        queue.put(line)
    queue.close()
    batches = []
    while (batch := queue.next_batch()) is not None:
        assert 1 <= len(batch) <= 7
        assert sum(len(text.encode()) + EVENT_BYTES for _, text in batch) <= limit
        batches.append(batch)
    sent = [text for batch in batches for _, text in batch]
    assert sent == [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]


@pytest.mark.parametrize(
    ("text", "size"), [("4194304b", 4 << 20), ("4m", 4 << 20), ("25k", 25 << 10), ("1g", 1 << 30), ("7", 7), ("x", 0)]
)
def test_a_size_is_read_as_dockers(text: str, size: int) -> None:
    assert size_of(text) == size
