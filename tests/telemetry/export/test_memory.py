"""All queues together stay within the memory that docs/telemetry.md names, whatever fills them."""

from __future__ import annotations

import pytest

from bench.overhead.queues import run

MAX_MIB = 38


@pytest.mark.timeout(300)
def test_full_queues_of_all_sinks_stay_within_their_memory_with_the_worst_inputs() -> None:
    figures = run("all")
    assert figures["queued"] > 1_000
    assert figures["mib"] <= MAX_MIB
