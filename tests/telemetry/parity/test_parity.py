"""Compare span and segment of each case with the stock instrumentations': nothing differs but what the table lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.telemetry.parity.cases import CASES, SEGMENT_EVERYWHERE, span_everywhere
from tests.telemetry.parity.compare import differences, intended
from tests.telemetry.parity.conftest import Served

each_case = pytest.mark.parametrize("name", CASES)


@each_case
def test_the_server_span_equals_the_flask_instrumentors(name: str, stock: dict[str, Any], ours: Served) -> None:
    case = CASES[name]
    ours.send(case.ask)
    [span], [theirs] = ours.spans, stock[name]["spans"]
    assert differences(theirs, span) == intended(span_everywhere(case), case.span)


@each_case
def test_the_segment_equals_the_x_ray_middlewares(name: str, stock: dict[str, Any], ours: Served) -> None:
    case = CASES[name]
    ours.send(case.ask)
    [segment], [theirs] = ours.segments, stock[name]["segments"]
    assert differences(theirs, segment) == intended(SEGMENT_EVERYWHERE, case.segment)
