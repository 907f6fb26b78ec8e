from __future__ import annotations

from pathlib import Path

from local.logs.tails import Entry, FileTail


def entries(*lines: str) -> list[Entry]:
    return [Entry("service", line) for line in lines]


def test_each_complete_line_is_returned_once(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    tail = FileTail(path, "service")
    assert tail.new_entries() == []

    path.write_bytes(b"one\ntw")
    assert tail.new_entries() == entries("one")

    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert tail.new_entries() == entries("two", "three")
    assert tail.new_entries() == []


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    path.write_bytes(b"a line of the old process\n")
    tail = FileTail(path, "service")
    tail.new_entries()

    new = tmp_path / "new"
    new.write_bytes(b"a line of the new process, longer than the old one was\n")
    new.replace(path)

    assert tail.new_entries() == entries("a line of the new process, longer than the old one was")
