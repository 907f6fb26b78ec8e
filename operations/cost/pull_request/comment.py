"""Write what a pull request changes of an environment's cost as Markdown.

Names and ids are the pull request's own text: none of it is read as Markdown, and each part is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from operations.cost.money import dollars, quantity
from operations.cost.prices.prices import Prices
from operations.cost.pull_request.change import Billed, Change, Row
from operations.cost.report.text import requests_text
from operations.diff_comment import fenced, printable

_MAX_ROWS, _MAX_RESOURCES, _MAX_WARNINGS = 12, 12, 3
_MAX_NAME, _MAX_RESOURCE, _MAX_WARNING, _MAX_ERROR = 60, 120, 200, 1_000
"""Characters: two environments' costs and diffs fit into a comment."""
_MORE: Final = "Each line item and assumption: `make cost`."
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ,()/%-]*")
"""What Markdown leaves as it is: no dot, as of a host that becomes a link ("Autolinks (extension)", GFM)."""
_ACCOUNT: Final = re.compile(r"\b\d{12}\b")
_COUNTED_UNITS: Final = ("hour", "month")
_IN_CODE: Final = str.maketrans({"`": "'", "|": "/"})
"""For what ends code, or a cell of a table."""


def section(change: Change, prices: Prices, *, limit: int | None = None, base_error: str = "") -> str:
    """Return the section of one environment: a line where nothing changes.

    `limit` is what the environment may cost, in US dollars; `base_error` says why there is nothing to compare with.
    """
    month = change.all
    cost = f"{dollars(month.after.usd)} a month"
    if change.before is None:
        lines = ["", "There is nothing to compare it with:", "", _error(base_error)]
        lines += _items(change, compared=False)
    elif not change.rows:
        cost, lines = f"unchanged, {cost}", []
    else:
        lines = [*_items(change, compared=True), *_resources(change)]
        cost = f"{_signed(month.usd)} a month{_percentage(month)}"
    environment, traffic = change.after.estimate.environment, change.after.traffic
    heading = f"### Cost of {_text(environment)}: {cost} at {requests_text(traffic.requests)}"
    lines = [*_over(change, limit), *lines, *_warnings(change)]
    if lines:
        lines += ["", f"Prices of {_text(prices.region)}, {_dates(prices)}. {_MORE}"]
    return "\n".join([heading, *lines, ""])


def not_estimated(environment: str, reason: str) -> str:
    """Return the section of an environment whose templates cannot be priced."""
    return f"### Cost of {_text(environment)}: not estimated\n\n{_error(reason)}\n"


def _items(change: Change, *, compared: bool) -> list[str]:
    amounts = ["Before", "After", "Difference"] if compared else ["Cost"]
    table = [["Line item", "Quantity", *amounts], ["---", "---", *["---:" for _ in amounts]]]
    table += [_cells(row, compared=compared) for row in change.rows[:_MAX_ROWS]]
    if rest := change.rows[_MAX_ROWS:]:
        others = Row(f"{len(rest)} more", "", _sum([each.before for each in rest]), _sum([each.after for each in rest]))
        table.append(_cells(others, compared=compared))
    table += [[f"**{cell}**" if cell else "" for cell in _cells(row, compared=compared)] for row in change.totals]
    return ["", *(f"| {' | '.join(cells)} |" for cells in table)]


def _cells(row: Row, *, compared: bool) -> list[str]:
    amounts = [row.before.usd, row.after.usd] if compared else [row.after.usd]
    difference = [_signed(row.usd)] if compared else []
    return [_text(row.name), _quantities(row, compared=compared), *map(dollars, amounts), *difference]


def _quantities(row: Row, *, compared: bool) -> str:
    if not row.unit:
        return ""
    numbers = [row.before.quantity, row.after.quantity] if compared else [row.after.quantity]
    texts = list(dict.fromkeys(map(quantity, numbers)))
    plural = "s" if texts != ["1"] and row.unit.endswith(_COUNTED_UNITS) else ""
    return f"{' → '.join(texts)} {_text(row.unit)}{plural}"


def _sum(amounts: Sequence[Billed]) -> Billed:
    return Billed(usd=sum(each.usd for each in amounts))


def _resources(change: Change) -> list[str]:
    """Return the resources that come and go as `cdk diff` shows them; those that are free are counted."""
    changed = {"added": change.added, "removed": change.removed}
    billed = [
        f"[{sign}] {_shortened(f'{each.type} {each.logical_id}', _MAX_RESOURCE)} {sign}{dollars(each.usd)}"
        for sign, resources in zip("+-", changed.values(), strict=True)
        for each in resources
        if each.usd is not None
    ]
    lines = billed[:_MAX_RESOURCES]
    if len(billed) > _MAX_RESOURCES:
        lines.append(f"[{len(billed) - _MAX_RESOURCES} more]")
    block = ["", fenced("\n".join(lines))] if lines else []
    free = {verb: sum(each.usd is None for each in resources) for verb, resources in changed.items()}
    counted = ", ".join(f"{count} {verb}" for verb, count in free.items() if count)
    return [*block, "", f"Free resources: {counted}."] if counted else block


def _over(change: Change, limit: int | None) -> list[str]:
    if limit is None or change.all.after.usd <= limit:
        return []
    return ["", f"**Over the limit of {dollars(limit)} a month**: `cost_limit` in infra/environments.py."]


def _warnings(change: Change) -> list[str]:
    if not change.warnings:
        return []
    lines = [_shortened(each, _MAX_WARNING) for each in change.warnings[:_MAX_WARNINGS]]
    return ["", "New warnings:" if change.before else "Warnings:", "", fenced("\n".join(lines))]


def _dates(prices: Prices) -> str:
    return f"of {prices.oldest}" if prices.oldest == prices.newest else f"of {prices.oldest} to {prices.newest}"


def _signed(usd: float) -> str:
    return f"+{dollars(usd)}" if usd >= 0 else dollars(usd)


def _percentage(row: Row) -> str:
    return f" ({row.usd / row.before.usd:+.0%})".replace("%", " %") if row.before.usd and row.usd else ""


def _text(text: str) -> str:
    """Return the text as Markdown that shows it, in a table too: as code where Markdown would read some of it.

    In code neither people nor issues are linked ("Mentioning people and teams", GitHub Docs).
    """
    line = _shortened(text, _MAX_NAME)
    return line if _PLAIN.fullmatch(line) else f"`{line.translate(_IN_CODE)}`"


def _error(text: str) -> str:
    """Return the message as a block, without account ids: a comment is read by more people than a job's log."""
    return fenced(_ACCOUNT.sub("<account>", _shortened(text, _MAX_ERROR)))


def _shortened(text: str, length: int) -> str:
    """Return the text in one line."""
    line = " ".join(printable(text).split())
    return line if len(line) <= length else f"{line[:length]} ..."
