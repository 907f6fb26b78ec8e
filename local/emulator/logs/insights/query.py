"""Run Logs Insights queries over log events.

Source: CloudWatch Logs user guide, "CloudWatch Logs Insights QL query syntax" and "Supported logs and discovered
fields". `grammar` lists the supported commands. Percentiles are exact, by the nearest-rank method.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from lark import Token

from local.emulator.logs.insights.grammar import Node, QueryError, parse
from local.emulator.logs.insights.stats import aggregate, formatted, number, text

Row = dict[str, Any]
"""The fields of an event or of a result row, by name: JSON values."""

MAX_ROWS: Final = 10_000
MAX_STATS: Final = 2
"""Commands per query ("stats", "Use multiple stats commands in a single query")."""
DEFAULT_COLUMNS: Final = ("@timestamp", "@message", "@logStream", "@log")
POINTER_COLUMN: Final = "@ptr"
_MAX_FIELDS: Final = 200
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def run(query: str, events: Iterable[Mapping[str, str]]) -> list[list[dict[str, str]]]:
    """Return the results as GetQueryResults does: the columns of each row as `field` and `value`.

    `events` have the system fields (`@timestamp`, `@message`, ...). Raises `QueryError`.
    """
    rows: list[Row] = [_with_discovered_fields(event) for event in events]
    columns: Sequence[str] = ()
    has_stats = False
    limit = MAX_ROWS
    for command in _checked_order(parse(query).children):
        if command.data == "limit":
            limit = min(MAX_ROWS, int(str(command.children[0])))
        elif command.data == "stats":
            rows, columns, has_stats = *aggregate(rows, command), True
        elif command.data in {"fields", "display"}:
            names = [field_name(each) for each in command.children]
            columns = names if command.data == "display" else [*columns, *names]
        else:
            rows = _COMMANDS[command.data](rows, command)
    result_columns = [*columns] if has_stats else [*(columns or DEFAULT_COLUMNS), POINTER_COLUMN]
    return [_result(row, result_columns) for row in rows[:limit]]


def _checked_order(commands: Sequence[Node]) -> Sequence[Node]:
    """Return `commands` unless their order has effects that are not emulated. Raises `QueryError`."""
    names = [str(command.data) for command in commands]
    if names.count("stats") > MAX_STATS:
        raise QueryError(f"a query has {MAX_STATS} stats commands at most: this one has {names.count('stats')}")
    if "limit" in names:
        later = [name for name in names[names.index("limit") + 1 :] if name != "display"]
        if later:
            raise QueryError(f"not emulated: limit before {later[0]}; put limit last")
    return commands


def field_name(token: object) -> str:
    """Return a field's name without backticks."""
    return str(token).strip("`")


def _result(row: Row, columns: Iterable[str]) -> list[dict[str, str]]:
    return [{"field": each, "value": formatted(row[each])} for each in columns if row.get(each) is not None]


def _with_discovered_fields(event: Mapping[str, str]) -> Row:
    """Return the event's fields and those of a JSON message, nested ones as `a.b`."""
    try:
        document = json.loads(event["@message"])
    except ValueError:
        document = None
    fields = dict(_flatten(document, "")) if isinstance(document, dict) else {}
    return {**dict(list(fields.items())[:_MAX_FIELDS]), **event}


def _flatten(value: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a JSON value of any kind
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in items:
            yield from _flatten(each, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, value


def _filter(rows: list[Row], command: Node) -> list[Row]:
    [condition] = command.children
    return [row for row in rows if _satisfies(row, condition)]


def _satisfies(row: Row, condition: Node) -> bool:
    match condition.data, condition.children:
        case "or_test", tests:
            result = any(_satisfies(row, each) for each in tests)
        case "and_test", tests:
            result = all(_satisfies(row, each) for each in tests)
        case "negated", [test]:
            result = not _satisfies(row, test)
        case "present", [field]:
            result = row.get(field_name(field)) is not None
        case "compared", [field, operator, value]:
            result = _compares(row.get(field_name(field)), str(operator), _literal(value))
        case "like", [field, keyword, pattern]:
            result = _is_negated(keyword) != _is_like(row.get(field_name(field)), pattern)
        case _, [field, keyword, *values]:
            value = row.get(field_name(field))
            result = _is_negated(keyword) != any(_compares(value, "=", _literal(each)) for each in values)
    return result


def _is_negated(keyword: Token) -> bool:
    return keyword.lower().startswith("not")


def _literal(value: Node) -> str | float:
    if isinstance(value, Token):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return float(value.children[0])


def _compares(value: Any, operator: str, operand: str | float) -> bool:  # noqa: ANN401 - as above
    """Compare as numbers when both are, else as text; a missing field differs from every operand."""
    if value is None:
        return operator == "!="
    a, b = number(value), number(operand)
    left, right = (text(value), str(operand)) if a is None or b is None else (a, b)
    if operator in {"=", "!="}:
        return (left == right) == (operator == "=")
    return _COMPARISONS[operator](left, right)


def _is_like(value: Any, pattern: Token) -> bool:  # noqa: ANN401 - as above
    if value is None:
        return False
    if not pattern.startswith("/"):
        return str(_literal(pattern)) in text(value)
    try:
        return re.search(pattern[1:-1], text(value)) is not None
    except re.error as error:
        raise QueryError(f"the regular expression {pattern} is malformed: {error}") from None


def _sort(rows: list[Row], command: Node) -> list[Row]:
    for key in reversed(command.children):
        field, direction = key.children
        name, descends = field_name(field), str(direction).lower() == "desc"
        present = [row for row in rows if row.get(name) is not None]
        missing = [row for row in rows if row.get(name) is None]
        rows = [*sorted(present, key=lambda row: _sort_key(row[name]), reverse=descends), *missing]
    return rows


def _sort_key(value: Any) -> tuple[bool, float, str]:  # noqa: ANN401 - as above
    numeric = number(value)
    return numeric is None, numeric or 0.0, text(value)


_COMMANDS: Final[dict[str, Callable[[list[Row], Node], list[Row]]]] = {"filter": _filter, "sort": _sort}
