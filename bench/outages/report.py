"""Say of each cell of the drill what was seen, and whether it is what must hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.outages import picture
from bench.outages.picture import TIMES

if TYPE_CHECKING:
    from bench.load import Load
    from bench.outages.__main__ import Cell

DOCS = Path(__file__).parents[2] / "docs"
_SLOWER_START = 0.5
_DEADLINE = 10.0
_AND_GUNICORN = 1.5
_MOST_GROWTH = 64.0
"""MiB: what all four queues hold when they are full, and what the process grows by in any case."""
_MORE_THREADS = 2
_NOISE, _NOISE_MS = 1.5, 3.0

HEAD = (
    "| | sink | fault | start | answers | p50 | p99 | p99 live again | threads | memory | dropped, counted "
    "| unaccounted for | delivered after | exit | holds |\n" + "|---" * 15 + "|\n"
)


def row(cell: Cell) -> str:
    """Return the cell's line of the table."""
    if cell.started is None:
        return f"| {cell.kind} | {cell.sink} | {cell.fault} | not within 30 s |" + " |" * 11 + "\n"
    faulty = bool(failures(cell, [cell]))
    shown = [
        cell.kind,
        cell.sink,
        cell.fault,
        f"{cell.started:.2f} s",
        _answers(cell.failing),
        _ratio(cell.failing, cell.live, "p50"),
        _ratio(cell.failing, cell.live, "p99"),
        _ratio(cell.after, cell.live, "p99"),
        str(cell.threads),
        f"+{cell.growth:.0f} MiB",
        _known(cell.dropped),
        _known(cell.unaccounted),
        {None: "", True: "yes", False: "no"}[cell.recovered],
        f"{cell.stopped:.1f} s" if cell.stopped is not None else "killed",
        "" if cell.kind != "ours" else "no" if faulty else "yes",
    ]
    return "| " + " | ".join(shown) + " |\n"


def failures(cell: Cell, cells: Sequence[Cell]) -> list[str]:
    """Return what does not hold in a cell; its start is compared with the fault-free cell's, where there is one."""
    if cell.started is None or cell.live is None or cell.failing is None or cell.after is None:
        return ["it did not start, or did not serve"]
    fault_free = [each for each in cells if each.kind == cell.kind and each.fault == "none" and each.started]
    noisiest = max(cell.live.p99, cell.after.p99)
    found = {
        "its start waits for a sink": any(cell.started - (each.started or 0) > _SLOWER_START for each in fault_free),
        "answers change": set(cell.failing.statuses) != set(cell.live.statuses),
        "its p99 rises": cell.failing.p99 > noisiest * _NOISE + _NOISE_MS,
        "it makes threads": any(cell.threads > each.threads + _MORE_THREADS for each in fault_free),
        "it grows": cell.growth > _MOST_GROWTH,
        "items are lost uncounted": bool(cell.unaccounted) and not _is_silent(cell),
        "it does not come back": cell.recovered is False,
        "it is late to end": cell.stopped is None or cell.stopped > _DEADLINE + _AND_GUNICORN,
    }
    return [what for what, fails in found.items() if fails]


def _is_silent(cell: Cell) -> bool:
    """Return whether the kernel may lose datagrams without a word: UDP to a port that is closed and opened."""
    return cell.sink in {"xray", "all four"} and cell.fault in {
        "refused",
        "connection reset",
        "killed mid-run and back",
    }


def verdict(failed: Sequence[Cell], cells: Sequence[Cell]) -> str:
    """Return one line for each cell that fails, or one for all."""
    if not failed:
        return "\nEvery cell holds.\n"
    lines = [f"- {cell.sink}, {cell.fault}: {', '.join(failures(cell, cells))}" for cell in failed]
    return "\nNot as it must be:\n" + "\n".join(lines) + "\n"


def publish(cells: Sequence[Cell], when: datetime) -> None:
    """Write the table and its picture among the documentation."""
    page = (DOCS / "outages.md").read_text()
    begin, end = "<!-- drill -->\n", "<!-- /drill -->\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    table = HEAD + "".join(map(row, cells))
    (DOCS / "outages.md").write_text(
        f"{before}{begin}\nMeasured on {when:%d %B %Y} by `make drill`.\n\n{table}\n{end}{after}"
    )
    (DOCS / "outages.svg").write_text(picture.draw(cells))


def _answers(load: Load | None) -> str:
    if load is None:
        return ""
    said = ", ".join(f"{count} {TIMES} {status}" for status, count in load.statuses.items())
    return said.replace(f"{TIMES} 0", f"{TIMES} no answer")


def _ratio(one: Load | None, other: Load | None, what: str) -> str:
    if one is None or other is None:
        return ""
    mine, theirs = getattr(one, what), getattr(other, what)
    return f"{mine:.1f} ms, {TIMES}{mine / theirs:.2f}" if theirs else f"{mine:.1f} ms"


def _known(count: int | None) -> str:
    return "" if count is None else str(count)
