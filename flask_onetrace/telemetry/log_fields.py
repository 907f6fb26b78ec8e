"""Collect a line's extra fields: `extra`, the members of a mapping message, and the stack."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.redaction.limits import CUT, MAX_MESSAGE

_PLAIN_RECORD: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None)))
PLAIN_ATTRIBUTES: Final = len(_PLAIN_RECORD)
"""How many attributes a record has that was logged without `extra`."""
_STANDARD: Final = _PLAIN_RECORD | {"message", "asctime", "taskName"}
"""The attributes of `logging` itself: the first two are set by formatters, the last by Python 3.12 ("LogRecord
attributes", Python's documentation)."""
MESSAGE_MEMBERS: Final = object()
"""Beside a record's attributes: a copy of the message that is a mapping. No `extra` can have this name."""
_FIELDS: Final = "fields"
_PREFIX: Final = "extra."


def fields_of(attributes: Mapping[Any, Any], redact: Redactor) -> dict[str, Any] | None:
    """Return the stack, `extra={"fields": {…}}`, every other `extra` and the members of a message; None if none.

    One whose name is that of an earlier one is kept as `extra.<name>`.
    """
    fields: dict[str, Any] = {}
    if (stack := attributes.get("stack_info")) is not None:
        stack = text(stack)
        # Its end is kept: where the record was made.
        stack = stack if len(stack) <= MAX_MESSAGE else CUT + stack[1 - MAX_MESSAGE :]
        fields["stack_info"] = redact.text(stack, MAX_MESSAGE)
    copier = redact.copier()  # one for both: they share its limits
    extra = dict(attributes)  # at once: another thread may have the record too
    for name in _STANDARD:
        extra.pop(name, None)
    members: Mapping[str, Any] = extra.pop(MESSAGE_MEMBERS, {})
    nested: Any = extra.get(_FIELDS)
    if issubclass(type(nested), Mapping):  # else an `extra` of that name
        merge(fields, copier.mapping(nested))
        del extra[_FIELDS]
    if extra:
        merge(fields, copier.mapping(extra))
    merge(fields, members)
    return fields or None


def merge(fields: dict[str, Any], others: Mapping[str, Any]) -> None:
    """Add `others` to `fields`; one whose name is taken is kept as `extra.<name>`."""
    for name, value in others.items():
        while name in fields:
            name = f"{_PREFIX}{name}"  # noqa: PLW2901 - until it is free
        fields[name] = value
