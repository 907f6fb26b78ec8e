"""Run the `stats` command of Logs Insights queries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lark import Token, Tree

from local.emulator.logs.insights.grammar import Node, QueryError

Row = Mapping[str, Any]
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TIMESTAMP_FORMAT: Final = "%Y-%m-%d %H:%M:%S.%f"
_AGGREGATES: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
}


def aggregate(rows: Sequence[Row], stats: Node) -> tuple[list[dict[str, Any]], list[str]]:
    """Return one row per group, and the column names, those of the grouping first. Raises `QueryError`."""
    groups = [each for each in stats.children if each is not None and not _is_column(each)]
    columns = [each for each in stats.children if _is_column(each)]
    names = [_group_name(each) for each in groups]
    members: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        members.setdefault(tuple(_group_key(row, each) for each in groups), []).append(row)
    if not groups and not members:
        members[()] = []
    results = [
        dict(zip(names, key, strict=True)) | {_column_name(each): _value(group_rows, each) for each in columns}
        for key, group_rows in members.items()
    ]
    return results, [*names, *(_column_name(each) for each in columns)]


def number(value: Any) -> float | None:  # noqa: ANN401 - a JSON value of any kind
    """Return `value` as a number; None when it is not one, as booleans are not."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def text(value: Any) -> str:  # noqa: ANN401 - as above
    """Return `value` as text for comparisons."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def formatted(value: Any) -> str:  # noqa: ANN401 - as above
    """Return `value` as GetQueryResults formats it: numbers with at most four decimals."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text(value)
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _is_column(node: object) -> bool:
    return isinstance(node, Tree) and node.data == "column"


def _group_name(group: Node) -> str:
    if isinstance(group, Token):
        return group.strip("`")
    period, alias = group.children
    return str(alias) if alias is not None else f"bin({period})"


def _group_key(row: Row, group: Node) -> Any:  # noqa: ANN401 - a JSON value of any kind
    if isinstance(group, Token):
        return row.get(group.strip("`"))
    period = str(group.children[0])
    timestamp = datetime.strptime(row["@timestamp"], _TIMESTAMP_FORMAT).replace(tzinfo=UTC)
    seconds = int(period[:-1]) * _UNIT_SECONDS[period[-1]]
    if not seconds:
        raise QueryError(f"bin({period}) is empty")
    bin_start = timestamp - timedelta(seconds=timestamp.timestamp() % seconds)
    return f"{bin_start:%Y-%m-%d %H:%M:%S}.000"


def _column_name(column: Node) -> str:
    call, alias = column.children
    return alias.strip("`") if isinstance(alias, Token) else _call_text(call)


def _call_text(call: Node) -> str:
    function, field, argument = _call_parts(call)
    arguments = [field or "*", *([f"{argument:g}"] if argument is not None else [])]
    return f"{function}({','.join(arguments)})"


def _call_parts(call: Node) -> tuple[str, str | None, float | None]:
    function, *arguments = call.children
    field = next((each.strip("`") for each in arguments if isinstance(each, Token)), None)
    argument = next((float(str(each.children[0])) for each in arguments if isinstance(each, Tree)), None)
    return function.lower(), field, argument


def _value(rows: Sequence[Row], column: Node) -> float | int | None:
    function, field, argument = _call_parts(column.children[0])
    if (argument is not None) != (function == "pct"):
        raise QueryError(f"{function} takes {'a field and a percentage' if function == 'pct' else 'one field'}")
    if field is None:
        if function != "count":
            raise QueryError(f"{function}(*) is not a number: name a field")
        return len(rows)
    values = [row[field] for row in rows if row.get(field) is not None]
    if function in {"count", "count_distinct"}:
        return len(values if function == "count" else {text(each) for each in values})
    numbers = sorted(value for each in values if (value := number(each)) is not None)
    if not numbers:
        return None
    return _AGGREGATES[function](numbers) if argument is None else _percentile(numbers, argument)


def _percentile(ordered: Sequence[float], percent: float) -> float:
    if not 0 <= percent <= 100:  # noqa: PLR2004 - per cent
        raise QueryError(f"a percentile lies between 0 and 100: {percent:g}")
    return ordered[max(math.ceil(percent / 100 * len(ordered)) - 1, 0)]
