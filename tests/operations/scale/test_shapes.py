"""A load shape is read from a CSV file; a bad one is an error with line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.errors import OperatorError
from operations.scale import shapes


def _read(folder: Path, content: str | bytes) -> shapes.Shape:
    path = folder / "own.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return shapes.read(path)


def test_the_load_changes_evenly_between_two_rows(tmp_path: Path) -> None:
    shape = _read(tmp_path, "# a launch\nsecond,requests\n0,10\n4,30\n6,30\n")
    assert shape.loads() == [10, 15, 20, 25, 30, 30]
    assert (shape.peak, shape.seconds) == (30, 6)


def test_a_row_may_be_a_minute(tmp_path: Path) -> None:
    assert len(_read(tmp_path, "minute,requests\n0,1\n0.5,2\n2,1\n").loads()) == 120


def test_a_byte_order_mark_carriage_returns_blank_lines_and_spaces_are_no_errors(tmp_path: Path) -> None:
    shape = _read(tmp_path, b"\xef\xbb\xbfsecond, requests\r\n\r\n0, 1\r\n# noon\r\n60, 2\r\n")
    assert shape.points == [(0, 1.0), (60, 2.0)]


def test_scaling_keeps_the_form() -> None:
    shape = shapes.built_in("spike")
    higher = shape.with_peak(300)
    assert higher.peak == pytest.approx(300)
    assert higher.points[0][1] / higher.peak == pytest.approx(shape.points[0][1] / shape.peak)


@pytest.mark.parametrize("name", shapes.BUILT_IN)
def test_the_shapes_of_the_project_say_where_they_come_from(name: str) -> None:
    assert shapes.built_in(name).peak > 0
    header = (shapes.FOLDER / f"{name}.csv").read_text(encoding="utf-8").partition(",requests")[0]
    assert ("Licence:" in header and "Source:" in header) or "by formula" in header


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        ("", 1, "no header"),
        ("# nothing\n\n", 1, "no header"),
        ("0,1\n60,2\n", 1, "no header"),
        ("second;requests\n0;1\n", 1, "no header"),
        ("hour,requests\n0,1\n1,2\n", 1, "the time is in 'hour'"),
        ("second,requests\n", 1, "fewer than two rows"),
        ("second,requests\n0,1\n", 2, "fewer than two rows"),
        ("second,requests\n0,1\n60,many\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60,2,3\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60,1;5\n", 3, "is not two numbers"),
        ('second,requests\n0,1\n"60,2\n', 3, "is not two numbers"),
        ("second,requests\n0,1\n\n60,-2\n", 4, "out of range"),
        ("second,requests\n0,1\n60,nan\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60,inf\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n\u0666\u0660,2\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60,1_0\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60,1000000000000\n", 3, "out of range"),
        ("second,requests\n0,1\n60,1e3\n", 3, "is not two numbers"),
        ("second,requests\n-60,1\n60,2\n", 2, "no whole second"),
        ("second,requests\n0,1\n0.5,2\n", 3, "no whole second"),
        ("second,requests\n0,1\nnan,2\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n1e999,2\n", 3, "is not two numbers"),
        ("second,requests\n0,1\n60,2\n60,3\n", 4, "not after"),
        ("second,requests\n60,1\n0,2\n", 3, "not after"),
        ("second,requests\n0,0\n60,0\n", 3, "no row has a request"),
        ("minute,requests\n0,1\n100000,1\n", 3, "longer than a week"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_a_remedy(tmp_path: Path, content: str, line: int, problem: str) -> None:
    with pytest.raises(OperatorError) as error:
        _read(tmp_path, content)
    assert f"own.csv:{line}: " in error.value.problem
    assert problem in error.value.problem
    assert error.value.remedy


@pytest.mark.parametrize("content", [b"\xff\xfes\x00", b"second,requests\n0,1\n\x80"])
def test_a_file_that_is_no_utf_8_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        _read(tmp_path, content)


def test_the_first_row_beyond_a_week_is_named_and_no_more_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{minute},1\n" for minute in range(10_100))
    with pytest.raises(OperatorError, match=r"own\.csv:10083: it is longer than a week"):
        _read(tmp_path, f"minute,requests\n{rows}")


def test_a_file_that_is_too_large_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "_MOST_BYTES", 20)
    with pytest.raises(OperatorError, match="more than 20 bytes"):
        _read(tmp_path, "second,requests\n0,1\n60,2\n")


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(OperatorError, match="cannot be read"):
            shapes.read(path)
