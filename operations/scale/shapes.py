"""Load shapes: requests a second over time, read from CSV files."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from operations.errors import OperatorError

FOLDER: Final = Path(__file__).with_name("shapes")
BUILT_IN: Final = ("steps", "diurnal", "load-balancer", "spike")
_UNITS: Final = {"second": 1, "minute": 60}
_LONGEST: Final = 7 * 24 * 3600
_MOST_BYTES: Final = 16_000_000
"""A week with a row for each second fits."""
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_LARGEST: Final = 10_000_000.0
_HEADERS: Final = "`second,requests` or `minute,requests`"


@dataclass(frozen=True, slots=True)
class Shape:
    """`points` of (second, requests a second), ascending; between two of them the load changes evenly."""

    name: str
    points: Sequence[tuple[int, float]]

    @property
    def peak(self) -> float:
        """Requests a second, the most."""
        return max(requests for _, requests in self.points)

    @property
    def seconds(self) -> int:
        """From the first point to the last."""
        return self.points[-1][0] - self.points[0][0]

    def with_peak(self, peak: float) -> Shape:
        """Return the same shape with another peak."""
        factor = peak / self.peak
        return Shape(self.name, [(second, requests * factor) for second, requests in self.points])

    def loads(self) -> list[float]:
        """Return the load of each second."""
        loads: list[float] = []
        for (start, before), (end, after) in pairwise(self.points):
            slope = (after - before) / (end - start)
            loads.extend(before + slope * offset for offset in range(end - start))
        return loads


def built_in(name: str) -> Shape:
    """Return a shape of the folder `shapes`, whose file names its source."""
    return read(FOLDER / f"{name}.csv")


def read(path: Path) -> Shape:
    """Read a shape. Raises `OperatorError` that names file, line and remedy."""
    text = _text(path)
    rows = [
        (number, row)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
        for row in [[cell.strip() for cell in next(csv.reader([line]))]]
    ]
    if not rows or len(rows[0][1]) != len(("time", "requests")) or rows[0][1][1] != "requests":
        raise _error(path, rows[0][0] if rows else 1, "there is no header", f"Begin with {_HEADERS}.")
    unit = _UNITS.get(rows[0][1][0])
    if unit is None:
        raise _error(path, rows[0][0], f"the time is in {rows[0][1][0]!r}", f"Use the header {_HEADERS}.")
    points: list[tuple[int, float]] = []
    for number, row in rows[1:]:
        points.append(_point(path, number, row, unit, points[-1][0] if points else -1))
        if points[-1][0] - points[0][0] > _LONGEST:
            raise _error(path, number, "it is longer than a week", "Give a part of at most 604,800 seconds.")
    if len(points) < 2:  # noqa: PLR2004 - a line between two points
        raise _error(path, rows[-1][0], "there are fewer than two rows", "Add rows: the load of the last ends it.")
    shape = Shape(path.stem, points)
    if shape.peak <= 0:
        raise _error(path, rows[-1][0], "no row has a request", "Give requests a second above 0.")
    return shape


def _text(path: Path) -> str:
    """Return the file's text, of which no more than `_MOST_BYTES` is read."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"SHAPE={str(path)!r} cannot be read: {error}", f"Give a CSV file in UTF-8 with the header {_HEADERS}."
        ) from error
    if len(content) > _MOST_BYTES:
        raise OperatorError(
            f"SHAPE={str(path)!r} has more than {_MOST_BYTES:,} bytes", "Give a row for each minute, or fewer days."
        )
    return text


def _point(path: Path, number: int, row: Sequence[str], unit: int, after: int) -> tuple[int, float]:
    remedy = "Write a time and the requests a second, as `60,12.5`, times ascending."
    if len(row) != len(("time", "requests")) or not all(map(_NUMBER.fullmatch, row)):
        raise _error(path, number, f"{','.join(row)[:80]!r} is not two numbers", remedy)
    time, requests = map(float, row)
    second = time * unit
    if not math.isfinite(second) or second != int(second) or second < 0:
        raise _error(path, number, f"the time {row[0]} is no whole second from 0 on", remedy)
    if second <= after:
        raise _error(path, number, f"the time {row[0]} is not after the one before", remedy)
    if not 0 <= requests <= _LARGEST:
        raise _error(path, number, f"{row[1]} requests a second are out of range", f"Use 0 to {_LARGEST:,.0f}.")
    return int(second), requests


def _error(path: Path, line: int, problem: str, remedy: str) -> OperatorError:
    return OperatorError(f"{path}:{line}: {problem}", remedy)
