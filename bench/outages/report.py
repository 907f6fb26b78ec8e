"""Format the cells as the Markdown table of docs/outages.md, and check them against its requirements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bench.outages import picture
from bench.outages.picture import TIMES
from operations.published import replace_section

if TYPE_CHECKING:
    from bench.load import Load
    from bench.outages.cell import Cell

DOCS = Path(__file__).parents[2] / "docs"
_START_DELAY = 0.5
_EXIT_SECONDS = 10.0 + 1.5
"""The deadline of the telemetry, and gunicorn's own time."""
_MEMORY_GROWTH = 64.0
"""MiB: all four queues full, and the growth of any process in its first minute."""
_EXTRA_THREADS = 2
_P99_RATIO, _P99_EXTRA_MS = 1.5, 3.0

HEAD = (
    "| | sink | fault | start | answers | p50 | p99 | p99 live again | threads | memory | dropped, counted "
    "| unaccounted for | delivered after | exit | holds |\n" + "|---" * 15 + "|\n"
)


def row(cell: Cell) -> str:
    """Return the cell's line of the table."""
    if cell.start_seconds is None:
        return f"| {cell.kind} | {cell.sink} | {cell.fault} | not within 30 s |" + " |" * 11 + "\n"
    is_faulty = bool(failures(cell, [cell]))
    columns = [
        cell.kind,
        cell.sink,
        cell.fault,
        f"{cell.start_seconds:.2f} s",
        _statuses(cell.failing),
        _ratio(cell.failing, cell.live, "p50"),
        _ratio(cell.failing, cell.live, "p99"),
        _ratio(cell.after, cell.live, "p99"),
        str(cell.threads),
        f"+{cell.growth:.0f} MiB",
        _count(cell.dropped),
        _count(cell.unaccounted),
        {None: "", True: "yes", False: "no"}[cell.recovered],
        f"{cell.exit_seconds:.1f} s" if cell.exit_seconds is not None else "killed",
        "" if cell.kind != "ours" else "no" if is_faulty else "yes",
    ]
    return "| " + " | ".join(columns) + " |\n"


def failures(cell: Cell, cells: Sequence[Cell]) -> list[str]:
    """Return the requirements that a cell fails; start and threads are compared with a fault-free cell, if any."""
    if cell.start_seconds is None or cell.live is None or cell.failing is None or cell.after is None:
        return ["it did not start, or did not respond"]
    fault_free = [each for each in cells if each.kind == cell.kind and each.fault == "none" and each.start_seconds]
    noisiest = max(cell.live.p99, cell.after.p99)
    checks = {
        "start-up waits for a sink": any(
            cell.start_seconds - (each.start_seconds or 0) > _START_DELAY for each in fault_free
        ),
        "status codes change": set(cell.failing.statuses) != set(cell.live.statuses),
        "p99 rises": cell.failing.p99 > noisiest * _P99_RATIO + _P99_EXTRA_MS,
        "threads grow": any(cell.threads > each.threads + _EXTRA_THREADS for each in fault_free),
        "memory grows": cell.growth > _MEMORY_GROWTH,
        "items are lost without being counted": bool(cell.unaccounted) and not _loses_datagrams(cell),
        "it does not recover": cell.recovered is False,
        "it exits late": cell.exit_seconds is None or cell.exit_seconds > _EXIT_SECONDS,
    }
    return [failure for failure, fails in checks.items() if fails]


def _loses_datagrams(cell: Cell) -> bool:
    """Return whether the kernel may drop datagrams silently: UDP to a port that is closed and reopened."""
    return cell.sink in {"xray", "all four"} and cell.fault in {
        "refused",
        "connection reset",
        "killed mid-run and back",
    }


def summary(failed: Sequence[Cell], cells: Sequence[Cell]) -> str:
    """Return one line for each failed cell, or one line if none failed."""
    if not failed:
        return "\nEvery cell passes.\n"
    lines = [f"- {cell.sink}, {cell.fault}: {', '.join(failures(cell, cells))}" for cell in failed]
    return "\nFailed:\n" + "\n".join(lines) + "\n"


def publish(cells: Sequence[Cell], when: datetime) -> None:
    """Write the table and its picture into docs/."""
    table = HEAD + "".join(map(row, cells))
    replace_section(DOCS / "outages.md", "drill", f"Measured on {when:%d %B %Y} by `make drill`.\n\n{table}")
    (DOCS / "outages.svg").write_text(picture.draw(cells))


def _statuses(load: Load | None) -> str:
    if load is None:
        return ""
    text = ", ".join(f"{count} {TIMES} {status}" for status, count in load.statuses.items())
    return text.replace(f"{TIMES} 0", f"{TIMES} no answer")


def _ratio(one: Load | None, other: Load | None, quantile: str) -> str:
    if one is None or other is None:
        return ""
    latency, reference = getattr(one, quantile), getattr(other, quantile)
    return f"{latency:.1f} ms, {TIMES}{latency / reference:.2f}" if reference else f"{latency:.1f} ms"


def _count(count: int | None) -> str:
    return "" if count is None else str(count)
