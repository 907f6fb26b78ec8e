"""Run Logs Insights queries over log events.

Source: CloudWatch Logs user guide, "CloudWatch Logs Insights QL query syntax" and "Supported logs and discovered
fields". `insights_grammar` says which commands there are. Percentiles are of the nearest rank, and exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from lark import Token

from local.emulator.logs.insights.grammar import Node, QueryError, parse
from local.emulator.logs.insights.stats import aggregated, number, shown, text_of

Row = dict[str, Any]
"""The fields of one event, or one row of results, by name: strings, numbers, or what JSON holds besides."""

MAX_ROWS: Final = 10_000
MAX_STATS: Final = 2
"""What one query may have ("stats", "Use multiple stats commands in a single query")."""
DEFAULT_COLUMNS: Final = ("@timestamp", "@message", "@logStream", "@log")
POINTER: Final = "@ptr"
_MAX_FIELDS: Final = 200
_STEPS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def run(query: str, events: Iterable[Mapping[str, str]]) -> list[list[dict[str, str]]]:
    """Return the results as GetQueryResults has them: of each row, its columns as `field` and `value`.

    `events` have the system's fields (`@timestamp`, `@message`, ...). Raises `QueryError`.
    """
    rows: list[Row] = [_discovered(event) for event in events]
    columns: Sequence[str] = ()
    is_aggregated = False
    limit = MAX_ROWS
    for command in _in_order(parse(query).children):
        if command.data == "limit":
            limit = min(MAX_ROWS, int(str(command.children[0])))
        elif command.data == "stats":
            rows, columns, is_aggregated = *aggregated(rows, command), True
        elif command.data in {"fields", "display"}:
            asked = [name_of(each) for each in command.children]
            columns = asked if command.data == "display" else [*columns, *asked]
        else:
            rows = _COMMANDS[command.data](rows, command)
    shown_columns = [*columns] if is_aggregated else [*(columns or DEFAULT_COLUMNS), POINTER]
    return [_result(row, shown_columns) for row in rows[:limit]]


def _in_order(commands: Sequence[Node]) -> Sequence[Node]:
    """Return `commands` if what they say does not depend on where they stand. Raises `QueryError`."""
    names = [str(command.data) for command in commands]
    if names.count("stats") > MAX_STATS:
        raise QueryError(f"a query has {MAX_STATS} stats commands at most: this one has {names.count('stats')}")
    if "limit" in names:
        later = [name for name in names[names.index("limit") + 1 :] if name != "display"]
        if later:
            raise QueryError(f"not emulated: limit before {later[0]}; put limit last")
    return commands


def name_of(token: object) -> str:
    """Return a field's name without the backticks that it may stand in."""
    return str(token).strip("`")


def _result(row: Row, columns: Iterable[str]) -> list[dict[str, str]]:
    return [{"field": each, "value": shown(row[each])} for each in columns if row.get(each) is not None]


def _discovered(event: Mapping[str, str]) -> Row:
    """Return the event's fields and, where its message is a JSON object, that one's: `a.b` for what is nested."""
    try:
        document = json.loads(event["@message"])
    except ValueError:
        document = None
    found = dict(_flat(document, "")) if isinstance(document, dict) else {}
    return {**dict(list(found.items())[:_MAX_FIELDS]), **event}


def _flat(value: Any, name: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (a JSON value of any kind)
    if isinstance(value, dict | list) and value:
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inside:
            yield from _flat(each, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, value


def _filter(rows: list[Row], command: Node) -> list[Row]:
    [condition] = command.children
    return [row for row in rows if _holds(row, condition)]


def _holds(row: Row, condition: Node) -> bool:
    match condition.data, condition.children:
        case "or_test", tests:
            held = any(_holds(row, each) for each in tests)
        case "and_test", tests:
            held = all(_holds(row, each) for each in tests)
        case "negated", [test]:
            held = not _holds(row, test)
        case "present", [field]:
            held = row.get(name_of(field)) is not None
        case "compared", [field, operator, value]:
            held = _compares(row.get(name_of(field)), str(operator), _literal(value))
        case "like", [field, word, pattern]:
            held = _negated(word) != _is_like(row.get(name_of(field)), pattern)
        case _, [field, word, *values]:
            held = _negated(word) != any(_compares(row.get(name_of(field)), "=", _literal(each)) for each in values)
    return held


def _negated(word: Token) -> bool:
    return word.lower().startswith("not")


def _literal(value: Node) -> str | float:
    if isinstance(value, Token):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return float(value.children[0])


def _compares(found: Any, operator: str, wanted: str | float) -> bool:  # noqa: ANN401 (as above)
    """Compare as numbers what both are numbers, else as texts; a field that is not there equals nothing."""
    if found is None:
        return operator == "!="
    a, b = number(found), number(wanted)
    left, right = (text_of(found), str(wanted)) if a is None or b is None else (a, b)
    if operator in {"=", "!="}:
        return (left == right) == (operator == "=")
    return _STEPS[operator](left, right)


def _is_like(found: Any, pattern: Token) -> bool:  # noqa: ANN401 (as above)
    if found is None:
        return False
    if not pattern.startswith("/"):
        return str(_literal(pattern)) in text_of(found)
    try:
        return re.search(pattern[1:-1], text_of(found)) is not None
    except re.error as error:
        raise QueryError(f"the regular expression {pattern} is malformed: {error}") from None


def _sort(rows: list[Row], command: Node) -> list[Row]:
    for key in reversed(command.children):
        field, direction = key.children
        name, descends = name_of(field), str(direction).lower() == "desc"
        there = [row for row in rows if row.get(name) is not None]
        missing = [row for row in rows if row.get(name) is None]
        rows = [*sorted(there, key=lambda row: _rank(row[name]), reverse=descends), *missing]
    return rows


def _rank(value: Any) -> tuple[bool, float, str]:  # noqa: ANN401 (as above)
    of_number = number(value)
    return of_number is None, of_number or 0.0, text_of(value)


_COMMANDS: Final[dict[str, Callable[[list[Row], Node], list[Row]]]] = {"filter": _filter, "sort": _sort}
