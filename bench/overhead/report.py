"""Format the figures as the Markdown tables of bench/README.md."""

from __future__ import annotations

import math
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.overhead.variants import VARIANTS
from operations.published import replace_section

Figures = dict[str, float]
Round = dict[str, Figures]
"""The figures of each variant, by its name."""
README = Path(__file__).parents[1] / "README.md"


def tables(rounds: Sequence[Round], names: Sequence[str]) -> str:
    """Return the results as two Markdown tables."""
    caption = f"{len(rounds)} rounds on {datetime.now(UTC):%d %B %Y}, Python {platform.python_version()}"
    served_header = (
        "| under gunicorn, 4 connections | CPU a request | ratio to bare | requests a second "
        "| lone client p50 | lone client p99 | memory over bare | items dropped |"
    )
    direct_header = (
        "| app called directly | CPU a request | ratio to bare "
        "| a request that raises, over bare | ready after | items dropped |"
    )
    return "\n".join(
        [
            f"{caption}.\n",
            served_header,
            "|---" * 8 + "|",
            *(_served_row(rounds, name) for name in names),
            "",
            direct_header,
            "|---" * 6 + "|",
            *(_direct_row(rounds, name) for name in names),
            "",
        ]
    )


def _served_row(rounds: Sequence[Round], name: str) -> str:
    cells = [
        f"{name}: {VARIANTS[name]}",
        f"{_median(rounds, name, 'served_cpu_us'):.0f} µs",
        _spread(ratios(rounds, name, "served_cpu_us")),
        f"{_median(rounds, name, 'served_rate'):.0f}",
        *(
            f"{_median(rounds, name, key):.2f} ms, {_spread(ratios(rounds, name, key))}"
            for key in ("served_lone_p50", "served_lone_p99")
        ),
        f"{_over(rounds, name, 'served_memory_mib'):+.0f} MiB",
        _count(rounds, name, "served_dropped"),
    ]
    return f"| {' | '.join(cells)} |"


def _direct_row(rounds: Sequence[Round], name: str) -> str:
    cells = [
        name,
        f"{_median(rounds, name, 'cpu_us'):.0f} µs",
        _spread(ratios(rounds, name, "cpu_us")),
        f"{_over(rounds, name, 'raise_ms'):+.2f} ms",
        f"{_over(rounds, name, 'ready_s'):+.2f} s CPU",
        _count(rounds, name, "dropped"),
    ]
    return f"| {' | '.join(cells)} |"


def ratios(rounds: Sequence[Round], name: str, key: str) -> list[float]:
    """Return the ratio to the bare app of the same round, for each round."""
    return [figures[name][key] / figures["bare"][key] for figures in rounds]


def _over(rounds: Sequence[Round], name: str, key: str) -> float:
    return statistics.median(each[name][key] - each["bare"][key] for each in rounds)


def _median(rounds: Sequence[Round], name: str, key: str) -> float:
    return statistics.median(each[name][key] for each in rounds)


def _count(rounds: Sequence[Round], name: str, key: str) -> str:
    """Return the sum of the rounds. Dropped items cost less than exported ones: such a ratio would be too low."""
    total = sum(each[name][key] for each in rounds)
    return "not counted" if math.isnan(total) else f"{total:.0f}"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def publish(section: str, markdown: str) -> None:
    """Replace the README's text between the markers of `section`."""
    replace_section(README, section, markdown)
