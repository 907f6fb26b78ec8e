"""Read the fields of a TOML table one by one; each error names the file, the table and the value."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from operations.errors import OperatorError

MAX_AMOUNT: Final = 1e15
"""Of US dollars or units: sums and products of such numbers are finite."""
_FIRST_DAY: Final = date(2006, 1, 1)


def read_tables(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises `OperatorError`."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # an integer of too many digits is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise OperatorError(
            f"The price file {path} cannot be read ({reason})", "Give the path of a TOML file"
        ) from error


class Fields:
    """The fields of the table `name` that are still to be read."""

    def __init__(self, path: Path, name: str, value: object, shape: str) -> None:
        self._path = path
        self._name = name
        if not isinstance(value, dict):
            raise self.error(f"is {value!r}", f"write a table with {shape}")
        self._values: dict[str, Any] = dict(value)
        self._shape = shape

    def error(self, problem: str, remedy: str) -> OperatorError:
        """Return an error of the table: `problem` is a predicate, `remedy` an instruction."""
        name = self._name if self._name.isprintable() else repr(self._name)
        return OperatorError(f"{self._path}: [{name}] {problem}", f"{remedy[:1].upper()}{remedy[1:]}")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def pop(self, name: str) -> Any:  # noqa: ANN401 - whatever the file has
        """Return the value, or None without one."""
        return self._values.pop(name, None)

    def text(self, name: str) -> str:
        """Return a text that has to be there."""
        value = self.pop(name)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"has {format_field(name, value)}", f'write it as {name} = "…"')
        return value

    def optional_text(self, name: str) -> str:
        """Return the text, empty without one."""
        return self.text(name) if name in self else ""

    def day(self, name: str) -> date:
        """Return a date that has to be there: since AWS bills, and not to come (in another time zone, tomorrow)."""
        value = self.pop(name)
        if type(value) is not date:  # a datetime is a date too
            raise self.error(
                f"has {format_field(name, value)}", f"write the day without quotes, as {name} = 2026-11-30"
            )
        if not _FIRST_DAY <= value <= datetime.now(UTC).date() + timedelta(days=1):
            raise self.error(f"has {name} = {value}", f"write a day from {_FIRST_DAY} to today")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Return a number from 0 to `MAX_AMOUNT`."""
        value = self._values.pop(name, default)
        return self.amount(format_field(name, value), value)

    def amount(self, text: str, value: object) -> float:
        """Return `value` as a number from 0 to `MAX_AMOUNT`; `text` shows it in the error."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_AMOUNT:
            raise self.error(f"has {text}", f"write a number from 0 to {MAX_AMOUNT:g}")
        return float(value)

    def reject_unknown(self) -> None:
        """Raise `OperatorError` where a field is left."""
        if self._values:
            name, value = next(iter(self._values.items()))
            raise self.error(f"has {format_field(name, value)}", f"the fields are {self._shape}")


def format_field(name: str, value: object) -> str:
    """Return a field as an error shows it."""
    return f"no {name}" if value is None else f"{name} = {value!r}"
