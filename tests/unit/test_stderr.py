"""Nothing waits for a reader of standard error that does not read."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TextIO

import pytest

from flask_onetrace.telemetry.export import stderr


def text_writer(descriptor: int) -> TextIO:
    return os.fdopen(descriptor, "w", encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can open a pipe's end once more")
def test_many_writers_to_a_full_pipe_end_at_once() -> None:
    reader, writer = os.pipe()
    line = b"x" * 1000 + b"\n"
    with os.fdopen(reader, "rb"), text_writer(writer) as stream:
        threads = [
            threading.Thread(target=lambda: [stderr.write(line, stream=stream) for _ in range(200)], daemon=True)
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        assert os.get_blocking(writer), "other processes share the pipe"


def test_whole_lines_reach_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("a", encoding="utf-8") as stream:
        assert stderr.write(b"first\n", stream=stream) == 6
        assert stderr.write(b"second\n", stream=stream) == 7
    assert path.read_text() == "first\nsecond\n"


def test_a_closed_pipe_raises() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with text_writer(writer) as stream, pytest.raises(OSError, match="pipe"):
        stderr.write(b"line\n", stream=stream)


class LoggingStream:
    """A stream that logs what is written, as Celery's workers have one."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text)


def test_a_stream_that_logs_what_is_written_is_bypassed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logging_stream = LoggingStream()
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as own:
        monkeypatch.setattr("sys.stderr", logging_stream)
        monkeypatch.setattr("sys.__stderr__", own)
        assert stderr.write(b"a line\n") == 7
        own.seek(0)
        assert (own.read(), logging_stream.lines) == ("a line\n", [])
