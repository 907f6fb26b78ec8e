from __future__ import annotations

from pathlib import Path

from local.commands.logs import FileTail


def test_each_complete_line_is_returned_once(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    tail = FileTail(path)
    assert tail.new_lines() == []

    path.write_bytes(b"one\ntw")
    assert tail.new_lines() == ["one"]

    with path.open("ab") as file:
        file.write(b"o\nthree\n")
    assert tail.new_lines() == ["two", "three"]
    assert tail.new_lines() == []


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    path.write_bytes(b"a line of the old process\n")
    tail = FileTail(path)
    tail.new_lines()

    new = tmp_path / "new"
    new.write_bytes(b"a line of the new process, longer than the old one was\n")
    new.replace(path)

    assert tail.new_lines() == ["a line of the new process, longer than the old one was"]
