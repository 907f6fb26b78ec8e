"""Evaluate the calculated fields of Honeycomb queries.

Source: Honeycomb documentation, "Calculated field formula reference". Supported: `$column`, string literals, and the
functions below; anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

Event = Mapping[str, Any]

GRAMMAR: Final = r"""
?start: call | COLUMN | TEXT
call: FUNCTION "(" [start ("," start)*] ")"
FUNCTION: /[A-Z_]+/
COLUMN: /\$[\w.]+/
TEXT: /`[^`]*`/ | /"[^"]*"/
%import common.WS
%ignore WS
"""


class ExpressionError(ValueError):
    """An expression that is malformed or not emulated."""


def compile_expression(text: str) -> Callable[[Event], Any]:
    """Return a function of an event that computes the field, None without a value. Raises `ExpressionError`."""
    try:
        tree = _parser().parse(text)
    except UnexpectedInput:
        raise ExpressionError(f"not understood or not emulated: {text!r}") from None
    return _compile(tree)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=True)


def _compile(node: Any) -> Callable[[Event], Any]:  # noqa: ANN401 - lark's tree or token
    if isinstance(node, Token):
        if node.type == "COLUMN":
            name = node[1:]
            return lambda event: event.get(name)
        return lambda _event: node[1:-1]
    function, *operands = node.children
    arguments = [_compile(each) for each in operands if each is not None]
    if function not in _FUNCTIONS:
        raise ExpressionError(f"not emulated: {function}")
    implementation = _FUNCTIONS[str(function)]
    return lambda event: implementation(event, [each(event) for each in arguments])


def _coalesce(_event: Event, values: Sequence[Any]) -> Any:  # noqa: ANN401 - a column's value
    return next((each for each in values if each is not None), None)


def _reg_value(_event: Event, values: Sequence[Any]) -> str | None:
    """Return the first group of the first match, as in the reference."""
    text, pattern = values
    match = re.search(pattern, text) if isinstance(text, str) else None
    return match[1] if match else None


def _event_timestamp(event: Event, _values: Sequence[Any]) -> float:
    return float(event["timestamp"])


_FUNCTIONS: Final[dict[str, Callable[[Event, Sequence[Any]], Any]]] = {
    "COALESCE": _coalesce,
    "EVENT_TIMESTAMP": _event_timestamp,
    "REG_VALUE": _reg_value,
}
