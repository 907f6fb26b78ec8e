"""Read the values of a TOML file's tables: each is checked, and each key that nobody reads is an error.

Not by jsonschema or cattrs: the first takes `port = 1.0` and a name that ends in a newline, both quote the values of
secrets, and neither says what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, TypeVar

from infra.application import ApplicationError

T = TypeVar("T")

_SHOWN: Final = 80
"""Characters of a value that an error shows."""
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_NOT_LITERAL: Final = re.compile(r"\{\{resolve:|[$#]\{Token\[")
"""What CloudFormation or the CDK would replace: by a secret in plain text, for one ("Get values stored in other
services using dynamic references", AWS CloudFormation User Guide)."""


class Table:
    """A table of the file, which knows where it is and which of its keys were read.

    Every method raises `ApplicationError` with file, key, value and remedy; without the value where it is `secret`.
    """

    def __init__(self, content: Mapping[str, Any], file: Path, prefix: str = "", *, secret: bool = False) -> None:
        self._content, self._file, self._prefix, self._secret = content, file, prefix, secret
        self._read: set[str] = set()

    def text(self, key: str, pattern: re.Pattern[str], expected: str, default: str) -> str:
        """Return a string that matches `pattern`."""
        return self._value(key, lambda value: _is_text(value) and pattern.fullmatch(value), expected, default)

    def number(self, key: str, numbers: range, default: int) -> int:
        """Return an integer in `numbers`."""
        expected = f"a number from {numbers.start} to {numbers.stop - 1}"
        return self._value(key, lambda value: type(value) is int and value in numbers, expected, default)

    def boolean(self, key: str, *, default: bool) -> bool:
        """Return a boolean."""
        return self._value(key, lambda value: isinstance(value, bool), "true or false", default)

    def list_of(
        self, key: str, pattern: re.Pattern[str], expected: str, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Return strings that match `pattern`; without a default, at least one."""

        def is_valid(value: object) -> bool:
            texts = value if isinstance(value, (list, tuple)) else [None]
            matches = all(isinstance(each, str) and _is_text(each) and pattern.fullmatch(each) for each in texts)
            return matches and bool(texts or default is not None)

        missing: tuple[str, ...] = ()
        values = self._value(key, is_valid, f"a list of which each is {expected}", default or missing)
        if not values and default is None:
            raise self.error(key, [], f"a list of which each is {expected}")
        return tuple(values)

    def file(self, key: str, folder: Path, within: Path) -> Path | None:
        """Return the absolute path of a file, relative to `folder`, None where the key is not there."""
        path = self._path(key, folder, Path.is_file)
        if path is not None and not path.is_relative_to(within):
            raise self.conflict(key, f"= {_shown(self._content[key])} is outside {within}", "move it into that folder")
        return path

    def folder(self, key: str, folder: Path) -> Path | None:
        """Return the absolute path of a folder, relative to `folder`, None where the key is not there."""
        return self._path(key, folder, Path.is_dir)

    def _path(self, key: str, folder: Path, is_valid: Callable[[Path], bool]) -> Path | None:
        name = self.text(key, re.compile(r"[^\0]+"), "a path", "")
        if not name:
            return None
        try:
            path = (folder / name).resolve()
            if is_valid(path):
                return path
        except (OSError, RuntimeError):  # too long a name, a loop of symbolic links
            pass
        raise self.conflict(key, f"= {_shown(name)} does not exist in {folder}", f"correct it or remove `{key}`")

    def table(self, key: str, *, secret: bool = False) -> Table:
        """Return a table, empty where there is none; errors do not show the values of a `secret` one."""
        none: dict[str, Any] = {}
        hidden = secret or self._secret
        content = self._value(key, lambda value: isinstance(value, dict), "a table", none, secret=hidden)
        return Table(content, self._file, f"{self._prefix}{_shown_key(key)}.", secret=hidden)

    def tables_of(self, key: str) -> tuple[Table, ...]:
        """Return the tables of an array."""

        def is_valid(value: object) -> bool:
            return isinstance(value, list) and all(isinstance(each, dict) for each in value)

        none: list[dict[str, Any]] = []
        tables = self._value(key, is_valid, f"an array of tables, [[{key}]]", none)
        return tuple(Table(each, self._file, f"{self._prefix}{key}[{index}].") for index, each in enumerate(tables))

    def tables(self) -> list[tuple[str, Table]]:
        """Return all that are tables, by key."""
        return [(key, self.table(key)) for key, value in self._content.items() if isinstance(value, dict)]

    def texts(
        self,
        keys: re.Pattern[str],
        values: re.Pattern[str],
        expected: str,
        *,
        reserved: Mapping[str, str] | None = None,
        beside_tables: bool = False,
    ) -> dict[str, str]:
        """Return all values, strings that match `values`; those of `reserved` are refused with its remedies."""
        texts = {
            key: value
            for key, value in self._content.items()
            if not (beside_tables and isinstance(value, dict))
        }  # fmt: skip
        for key, value in texts.items():
            if remedy := (reserved or {}).get(key):
                raise ApplicationError(f"{self._file}: {self._prefix}{key} cannot be set here", remedy)
            if not keys.fullmatch(key):
                raise self.error(key, value, "another name: letters, digits and underscores, for headers hyphens")
            if not _is_text(value) or not values.fullmatch(value):
                raise self.error(key, value, expected)
        return texts

    def reject_unknown_keys(self) -> None:
        """Raise for a key that was not read."""
        for key in self._content:
            if key not in self._read:
                known = ", ".join(sorted(self._read))
                problem = f"{self._file}: {self._prefix}{_shown_key(key)} is not a key"
                close = get_close_matches(key, self._read, n=1)
                choice = f"write {close[0]}, or another of" if close else "use one of"
                raise ApplicationError(problem, f"{choice} {known}")

    def error(self, key: str, value: object, expected: str, *, secret: bool = False) -> ApplicationError:
        """Return the error of a value that is not `expected`."""
        shown = "(not shown)" if secret or self._secret else f"= {_shown(value)}"
        problem = f"{self._file}: {self._prefix}{_shown_key(key)} {shown} is malformed"
        return ApplicationError(problem, f"write {expected}")

    def conflict(self, key: str, problem: str, remedy: str) -> ApplicationError:
        """Return the error of a value that is well-formed, and does not go with something else."""
        return ApplicationError(f"{self._file}: {self._prefix}{_shown_key(key)} {problem}", remedy)

    def _value(self, key: str, is_valid: Callable[[Any], Any], expected: str, default: T, *, secret: bool = False) -> T:
        self._read.add(key)
        if key not in self._content:
            return default
        value: T = self._content[key]
        if not is_valid(value):
            raise self.error(key, value, expected, secret=secret)
        return value


def _is_text(value: object) -> bool:
    """Return whether it is a string that reaches the container as it is written."""
    return isinstance(value, str) and "\0" not in value and not _NOT_LITERAL.search(value)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # a hexadecimal number of more digits than Python converts
        text = "a number"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _shown_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _shown(key)
