"""Aggregate the rows of a Logs Insights query: its `stats` command."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lark import Token, Tree

from local.emulator.logs.insights.grammar import Node, QueryError

Row = Mapping[str, Any]
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOMENT: Final = "%Y-%m-%d %H:%M:%S.%f"
_OF_NUMBERS: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
}


def aggregated(rows: Sequence[Row], stats: Node) -> tuple[list[dict[str, Any]], list[str]]:
    """Return one row a group, and the columns' names: what it is grouped by first. Raises `QueryError`."""
    groups = [each for each in stats.children if each is not None and not _is_column(each)]
    columns = [each for each in stats.children if _is_column(each)]
    names = [_group_name(each) for each in groups]
    members: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        members.setdefault(tuple(_group_of(row, each) for each in groups), []).append(row)
    if not groups and not members:
        members[()] = []
    made = [
        dict(zip(names, key, strict=True)) | {_column_name(each): _value(inside, each) for each in columns}
        for key, inside in members.items()
    ]
    return made, [*names, *(_column_name(each) for each in columns)]


def number(value: Any) -> float | None:  # noqa: ANN401 (a JSON value of any kind)
    """Return what `value` is as a number; None for what is not one, which true and false are not."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def text_of(value: Any) -> str:  # noqa: ANN401 (as above)
    """Return `value` as a text to compare."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: Any) -> str:  # noqa: ANN401 (as above)
    """Return `value` as results show it: numbers with four decimals at most."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return text_of(value)
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _is_column(node: object) -> bool:
    return isinstance(node, Tree) and node.data == "column"


def _group_name(group: Node) -> str:
    if isinstance(group, Token):
        return group.strip("`")
    period, alias = group.children
    return str(alias) if alias is not None else f"bin({period})"


def _group_of(row: Row, group: Node) -> Any:  # noqa: ANN401 (a JSON value of any kind)
    if isinstance(group, Token):
        return row.get(group.strip("`"))
    period = str(group.children[0])
    moment = datetime.strptime(row["@timestamp"], _MOMENT).replace(tzinfo=UTC)
    seconds = int(period[:-1]) * _UNITS[period[-1]]
    if not seconds:
        raise QueryError(f"bin({period}) is empty")
    begun = moment - timedelta(seconds=moment.timestamp() % seconds)
    return f"{begun:%Y-%m-%d %H:%M:%S}.000"


def _column_name(column: Node) -> str:
    aggregate, alias = column.children
    return alias.strip("`") if isinstance(alias, Token) else _written(aggregate)


def _written(aggregate: Node) -> str:
    function, field, argument = _parts(aggregate)
    inside = [field or "*", *([f"{argument:g}"] if argument is not None else [])]
    return f"{function}({','.join(inside)})"


def _parts(aggregate: Node) -> tuple[str, str | None, float | None]:
    function, *rest = aggregate.children
    field = next((each.strip("`") for each in rest if isinstance(each, Token)), None)
    argument = next((float(str(each.children[0])) for each in rest if isinstance(each, Tree)), None)
    return function.lower(), field, argument


def _value(rows: Sequence[Row], column: Node) -> float | int | None:
    function, field, argument = _parts(column.children[0])
    if (argument is not None) != (function == "pct"):
        raise QueryError(f"{function} takes {'a field and a percentage' if function == 'pct' else 'one field'}")
    if field is None:
        if function != "count":
            raise QueryError(f"{function}(*) is not a number: name a field")
        return len(rows)
    found = [row[field] for row in rows if row.get(field) is not None]
    if function in {"count", "count_distinct"}:
        return len(found if function == "count" else {text_of(each) for each in found})
    numbers = sorted(value for each in found if (value := number(each)) is not None)
    if not numbers:
        return None
    return _OF_NUMBERS[function](numbers) if argument is None else _percentile(numbers, argument)


def _percentile(ordered: Sequence[float], percent: float) -> float:
    if not 0 <= percent <= 100:  # noqa: PLR2004 (per cent)
        raise QueryError(f"a percentile lies between 0 and 100: {percent:g}")
    return ordered[max(math.ceil(percent / 100 * len(ordered)) - 1, 0)]
