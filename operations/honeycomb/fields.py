"""Read one JSON file field by field; what is wrong is named by file and field."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, NoReturn

from operations.honeycomb.errors import HoneycombError

_KINDS = {str: "text", int: "a whole number", float: "a number", dict: "an object", list: "a list"}


class Fields:
    """The fields of one object in `file`; `within` is where the object stands, empty for the file's own."""

    def __init__(self, file: str, values: object, within: str = "") -> None:
        self._file = file
        self._within = within
        if not isinstance(values, dict):
            self.refuse("", "is not an object")
        self._left: dict[str, Any] = dict(values)

    def text(self, name: str, *, longest: int, among: Collection[str] = ()) -> str:
        """Take a text of 1 to `longest` characters, one of `among` where that is given."""
        found: str = self._take(name, str)
        if not 0 < len(found) <= longest:
            self.refuse(name, f"has {len(found)} characters; give 1 to {longest}")
        if among and found not in among:
            self.refuse(name, f"is {found!r}; give one of {', '.join(sorted(among))}")
        return found

    def whole(self, name: str, *, least: int, most: int) -> int:
        """Take a whole number from `least` to `most`."""
        found: int = self._take(name, int)
        if isinstance(found, bool) or not least <= found <= most:
            self.refuse(name, f"is {found!r}; give a whole number from {least} to {most}")
        return found

    def number(self, name: str) -> float:
        """Take any number."""
        found = self._left.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return self._left.pop(name)  # type: ignore[no-any-return] # as it stands: 1000 is not to become 1000.0
        return float(self._take(name, float))

    def nested(self, name: str) -> Fields:
        """Take an object, to be read in turn."""
        return Fields(self._file, self._take(name, dict), self._path(name))

    def raw(self, name: str) -> dict[str, Any]:
        """Take an object as it is."""
        found: dict[str, Any] = self._take(name, dict)
        return found

    def listed(self, name: str) -> list[Fields]:
        """Take a list of objects, to be read in turn."""
        found = self._take(name, list)
        return [Fields(self._file, each, f"{self._path(name)}[{at}]") for at, each in enumerate(found)]

    def done(self) -> None:
        """Raise `HoneycombError` where a field was not taken: a misspelt one would be ignored otherwise."""
        if self._left:
            self.refuse(min(self._left), "is unknown")

    def refuse(self, name: str, fault: str) -> NoReturn:
        """Raise `HoneycombError` about the field `name`."""
        where = f"{self._path(name)} of {self._file}" if self._path(name) else self._file
        raise HoneycombError(f"{where} {fault}", f"Mend {self._file}")

    def _take(self, name: str, kind: type) -> Any:  # noqa: ANN401 - of `kind`
        if name not in self._left:
            self.refuse(name, "is missing")
        found = self._left.pop(name)
        if not isinstance(found, kind):
            self.refuse(name, f"is not {_KINDS[kind]}")
        return found

    def _path(self, name: str) -> str:
        return f"{self._within}.{name}".strip(".")


def read(path: Path, folder: Path) -> Fields:
    """Return the fields of the file at `path`, which is named as seen from above `folder`. Raises `HoneycombError`."""
    file = f"{folder.name}/{path.relative_to(folder).as_posix()}"
    try:
        return Fields(file, json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise HoneycombError(f"{file} cannot be read ({error.strerror})", "Restore the file") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise HoneycombError(f"{file} is not JSON ({error})", f"Mend {file}") from error
