"""Bound what a tool returns, and name what was cut: an agent pays for each character, and telemetry may be huge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

from operations.traces.document import Json

MAX_DEPTH: Final = 12
MAX_NAME: Final = 100
"""Characters of a name in an object."""
MAX_NOTES: Final = 20
LEVELS: Final = ((1_500, 60), (400, 25), (100, 8))
"""Characters of a text, and entries of a list or object, in items that are shown in full, in brief, or hardly."""


_BITS: Final = 64
"""Of an integer: most readers of JSON take no longer ones."""


@dataclass(slots=True)
class Bounds:
    """Copies JSON values within limits, and notes what it cuts by the path of each value."""

    max_text: int = LEVELS[0][0]
    max_entries: int = LEVELS[0][1]
    _notes: dict[str, None] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """Return what was cut, in at most `MAX_NOTES` lines and one that counts the others."""
        notes = list(self._notes)
        more = len(notes) - MAX_NOTES
        return [*notes[:MAX_NOTES], *([f"and {more} more values"] if more > 0 else [])]

    def items(self, items: Sequence[Json], budget: int, path: str) -> list[Json]:
        """Return the items in the most detail in which all fit into a number of characters.

        Where they do not fit in the least, failed ones come first; all stay in their own order.
        """
        for max_text, max_entries in LEVELS:
            bounds = Bounds(max_text, max_entries)
            copies = [bounds.value(each, f"{path}[{index}]") for index, each in enumerate(items)]
            sizes = [len(json.dumps(each, ensure_ascii=False)) for each in copies]
            if sum(sizes) <= budget:
                break
        indices: set[int] = set()
        for index in sorted(range(len(items)), key=lambda each: not _failed(items[each])):
            if sizes[index] <= budget:
                indices.add(index)
                budget -= sizes[index]
        if left_out := len(items) - len(indices):
            self._note(f"{path}: {left_out} of {len(items)} items left out")
        self._notes |= bounds._notes
        return [each for index, each in enumerate(copies) if index in indices]

    def document(self, document: Json, budget: int) -> Json:
        """Return the document in the most detail that fits into a number of characters, in the least if none does."""
        for max_text, max_entries in LEVELS:
            bounds = Bounds(max_text, max_entries)
            copy: Json = {name: bounds.value(part, name) for name, part in document.items()}
            if len(json.dumps(copy, ensure_ascii=False)) <= budget:
                break
        self._notes |= bounds._notes
        return copy

    def value(self, value: Any, path: str, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON value
        """Return a copy within the limits, with escapes for characters that are not shown."""
        if isinstance(value, Mapping | list | tuple) and depth >= MAX_DEPTH:
            self._note(f"{path}: nested too deeply")
            return "…"
        if isinstance(value, Mapping):
            names = list(value)[: self._entries(len(value), path)]
            return {
                shown(name, MAX_NAME): self.value(value[name], f"{path}.{shown(name, 40)}", depth + 1) for name in names
            }
        if isinstance(value, list | tuple):
            entries = value[: self._entries(len(value), path)]
            return [self.value(each, f"{path}[{index}]", depth + 1) for index, each in enumerate(entries)]
        if isinstance(value, int) and value.bit_length() > _BITS:
            return f"an integer of {value.bit_length()} bits"
        if value is None or (isinstance(value, int | float) and isfinite(value)):
            return value
        return self._text(str(value), path)

    def _entries(self, count: int, path: str) -> int:
        if count > self.max_entries:
            self._note(f"{path}: {count - self.max_entries} of {count} entries left out")
        return self.max_entries

    def _text(self, text: str, path: str) -> str:
        if len(text) <= self.max_text:
            return shown(text, self.max_text)
        half = self.max_text // 2
        self._note(f"{path}: {len(text) - 2 * half} of {len(text)} characters left out")
        return f"{shown(text[:half], half)} … {shown(text[-half:], half)}"  # a stack trace ends with the exception

    def _note(self, text: str) -> None:
        self._notes[text] = None


def shown(text: object, limit: int) -> str:
    """Return a text with escapes for what is not shown: a person must see all that an agent reads."""
    beginning = str(text)[:limit]
    return beginning if beginning.isprintable() else "".join(map(_escaped, beginning))


def _escaped(character: str) -> str:
    is_shown = character.isprintable() or character in "\n\t"
    return character if is_shown else f"\\u{ord(character):04x}"


def _failed(item: Json) -> bool:
    """Return whether a span, a segment, a log line or an item tells of a failure."""
    status, fields = item.get("status"), item.get("fields")
    code = status.get("code") if isinstance(status, Mapping) else None
    level = fields.get("level") if isinstance(fields, Mapping) else item.get("level")
    flags = any(item.get(each) is True for each in ("fault", "error", "throttle"))
    return code == "error" or flags or str(level).lower() in ("error", "critical")
