"""All queues together stay within the memory that docs/telemetry.md names, whatever fills them."""

from __future__ import annotations

import pytest

from bench.overhead.queues import run

MAX_MIB = 38


@pytest.mark.timeout(600)
def test_full_queues_of_all_sinks_stay_within_their_memory_with_the_worst_inputs() -> None:
    without_sinks, full = run("none"), run("all")
    assert full["queued"] > 2_000
    assert full["held"] <= MAX_MIB
    # The requests themselves, of half a megabyte each, make the heap grow too.
    assert full["grown"] - without_sinks["grown"] <= MAX_MIB
