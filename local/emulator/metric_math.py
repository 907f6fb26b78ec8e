"""Evaluate CloudWatch metric math: arithmetic, comparisons, logic, `FILL` and `IF`, which the stacks' alarms use.

Source: "Using metric math", CloudWatch User Guide. A missing value counts as 0 beside a value of another time series;
a division by zero drops the data point.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from local.emulator.json_api import Json

Series = tuple[float | None, ...]
"""One value for each period, the oldest first; None where there is no data point."""
Value = float | Series
ValueOf = Callable[[str], Value]
"""Returns the value of a metric or of another expression by its id."""

GRAMMAR: Final = r"""
?start: disjunction
?disjunction: conjunction | disjunction OR conjunction -> binary
?conjunction: comparison | conjunction AND comparison -> binary
?comparison: sum | comparison COMPARATOR sum -> binary
?sum: product | sum (PLUS | MINUS) product -> binary
?product: unary | product (TIMES | DIVIDED) unary -> binary
?unary: power | MINUS unary -> negative
?power: atom | atom POWER unary -> binary
?atom: NUMBER | ID | NAME | TEXT | call | array | "(" disjunction ")"
call: NAME "(" [disjunction ("," disjunction)*] ")"
array: "[" disjunction ("," disjunction)* "]"

AND.2: /AND\b|&&/
OR.2: /OR\b|\|\|/
COMPARATOR: "==" | "!=" | "<=" | ">=" | "<" | ">"
PLUS: "+"
MINUS: "-"
TIMES: "*"
DIVIDED: "/"
POWER: "^"
ID: /[a-z][A-Za-z0-9_]*/
NAME: /[A-Z][A-Z0-9_]*/
TEXT: /'[^']*'|"[^"]*"/
%import common.NUMBER
%import common.WS
%ignore WS
"""

OPERATORS: Final[Mapping[str, Callable[[float, float], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "AND": lambda left, right: left != 0 and right != 0,
    "&&": lambda left, right: left != 0 and right != 0,
    "OR": lambda left, right: left != 0 or right != 0,
    "||": lambda left, right: left != 0 or right != 0,
}


class UnsupportedExpressionError(ValueError):
    """The expression is invalid, or uses a function that is not emulated; the message names it."""


def evaluate(queries: Sequence[Json], fetch: Callable[[Json], Series]) -> Series:
    """Return the time series of the one query that returns data.

    `queries` are an alarm's `Metrics` (MetricDataQuery, CloudWatch API reference); `fetch` returns the time series of
    a `MetricStat`. Raises `UnsupportedExpressionError`.
    """
    by_id = {str(query["Id"]): query for query in queries}
    pending: list[str] = []

    def value_of(query_id: str) -> Value:
        if query_id in pending or query_id not in by_id:
            raise UnsupportedExpressionError(
                f"{query_id} {'refers to itself' if query_id in pending else 'is no metric of the alarm'}"
            )
        query = by_id[query_id]
        if stat := query.get("MetricStat"):
            return fetch(stat)
        pending.append(query_id)
        value = calculate(query["Expression"], value_of)
        pending.pop()
        return value

    returned = [query_id for query_id, query in by_id.items() if str(query.get("ReturnData", True)).lower() == "true"]
    if len(returned) != 1:
        raise UnsupportedExpressionError(f"{len(returned)} metrics return data, an alarm needs one")
    return _series(value_of(returned[0]))


def calculate(expression: str, value_of: ValueOf) -> Value:
    """Return the value of one expression. Raises `UnsupportedExpressionError`."""
    try:
        tree = _parser().parse(expression)
    except UnexpectedInput as error:
        raise UnsupportedExpressionError(f"invalid syntax at column {error.column} of {expression!r}") from error
    return _value(tree, value_of)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr")


def _value(node: Any, value_of: ValueOf) -> Value:  # noqa: ANN401 - lark's tree or token
    if isinstance(node, Token):
        return _leaf(node, value_of)
    if node.data == "binary":
        left, sign, right = node.children
        return _combine(OPERATORS[str(sign)], _value(left, value_of), _value(right, value_of))
    if node.data == "negative":
        return _combine(operator.mul, -1.0, _value(node.children[1], value_of))
    return _call(node, value_of)


def _leaf(token: Token, value_of: ValueOf) -> Value:
    if token.type == "NUMBER":
        return float(token)
    if token.type == "ID":
        return value_of(str(token))
    raise UnsupportedExpressionError(f"{token} is not emulated")


def _call(node: Tree[Any], value_of: ValueOf) -> Value:
    if node.data == "array":
        raise UnsupportedExpressionError("an array of time series is not emulated")
    name, *arguments = (each for each in node.children if each is not None)
    function = FUNCTIONS.get(str(name))
    if function is None:
        raise UnsupportedExpressionError(f"the function {name} is not emulated")
    implementation, counts = function
    if len(arguments) not in counts:
        raise UnsupportedExpressionError(f"{name} has {len(arguments)} arguments")
    return implementation(*(_value(each, value_of) for each in arguments))


def _combine(operation: Callable[[float, float], Any], left: Value, right: Value) -> Value:
    """Apply `operation` to two numbers, or to the values of each period."""
    if isinstance(left, float) and isinstance(right, float):
        result = _apply(operation, left, right)
        if result is None:
            raise UnsupportedExpressionError("a number is divided by zero")
        return result
    if isinstance(left, float):
        return tuple(None if value is None else _apply(operation, left, value) for value in _series(right))
    if isinstance(right, float):
        return tuple(None if value is None else _apply(operation, value, right) for value in left)
    return tuple(
        None if one is None and other is None else _apply(operation, one or 0.0, other or 0.0)
        for one, other in zip(left, right, strict=True)
    )


def _apply(operation: Callable[[float, float], Any], left: float, right: float) -> float | None:
    try:
        result = operation(left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    return None if isinstance(result, complex) else float(result)


def _series(value: Value) -> Series:
    if isinstance(value, tuple):
        return value
    raise UnsupportedExpressionError(f"the number {value:g} stands where a time series is needed")


def _fill(series: Value, filler: Value) -> Value:
    """Replace missing values by a number or by those of another time series."""
    values = _series(series)
    return tuple(
        other if value is None else value for value, other in zip(values, _repeated(filler, values), strict=True)
    )


def _if(condition: Value, when_true: Value, when_false: Value | None = None) -> Value:
    """Choose the second value where the first is true, otherwise the third, or none without a third."""
    if isinstance(condition, float):
        chosen = when_true if condition else when_false
        if chosen is None:
            raise UnsupportedExpressionError("IF of a false number has no value")
        return chosen
    rows = zip(condition, _repeated(when_true, condition), _repeated(when_false, condition), strict=True)
    return tuple(None if test is None else (yes or 0.0) if test else no for test, yes, no in rows)


def _repeated(value: Value | None, like: Series) -> Series:
    return value if isinstance(value, tuple) else (value,) * len(like)


FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Value], tuple[int, ...]]]] = {
    "FILL": (_fill, (2,)),
    "IF": (_if, (2, 3)),
}
"""The implementation of each function, and how many arguments it may have."""
