"""Read properties as numbers and texts, with a sentence for each that only the deployment knows."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final

from operations.cost.intrinsics import is_open
from operations.cost.templates import Resource, Templates

_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_MOST: Final = 1e12
"""That a property can be: whatever is larger is a slip."""


@dataclass(frozen=True)
class Notes:
    """Sentences of an estimate, each once, in the order in which they came up."""

    assumptions: dict[str, None] = field(default_factory=dict)
    unknown: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)

    def assume(self, sentence: str) -> None:
        """Add a value that is neither in the template nor given, and its source."""
        self.assumptions.setdefault(sentence)

    def leave_out(self, sentence: str) -> None:
        """Add something that is billed and not in the sum."""
        self.unknown.setdefault(sentence)

    def warn(self, sentence: str) -> None:
        """Add a line that is billed twice, or a traffic that the service does not take."""
        self.warnings.setdefault(sentence)


@dataclass(frozen=True)
class Reader:
    """Templates, and where to note what they do not say."""

    templates: Templates
    notes: Notes

    def number(self, resource: Resource, *path: str, default: float) -> float:
        """Return the number at `path`, which CloudFormation takes as text too; `default` where there is none.

        Raises `OperatorError` for what is no number, or is below 0.
        """
        return self.amount(resource, ".".join(path), resource.get(*path), default)

    def positive(self, resource: Resource, *path: str, default: float) -> float:
        """Return the number at `path` as `number` does, which 0 is not allowed for."""
        number = self.number(resource, *path, default=default)
        if not number:
            raise resource.error(".".join(path), number, "a number above 0")
        return number

    def whole(self, resource: Resource, *path: str, default: float) -> float:
        """Return the number at `path` as `number` does, which is to be whole."""
        number = self.number(resource, *path, default=default)
        if number % 1:
            raise resource.error(".".join(path), number, "a whole number")
        return number

    def amount(self, resource: Resource, name: str, value: object, default: float) -> float:
        """Return `value`, the property `name`, as a number, as `number` does."""
        if value is None:
            return default
        if is_open(value):
            taken = f"{default:g} is taken" if math.isfinite(default) else "it is left out"
            self.notes.assume(f"{name} of {resource} is known at the deployment only: {taken}.")
            return default
        text = str(value)
        number = float(text) if not isinstance(value, bool) and _NUMBER.fullmatch(text) else math.nan
        if not 0 <= number <= _MOST:
            raise resource.error(name, value, f"a number from 0 to {_MOST:,.0f}")
        return number
