"""Each case's span and segment differ from the stock instrumentations' only as `cases` lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.telemetry.parity.cases import CASES, SEGMENT_DIFFERENCES, span_differences
from tests.telemetry.parity.compare import differences, expected_differences
from tests.telemetry.parity.conftest import InstrumentedApp

every_case = pytest.mark.parametrize("name", CASES)


@every_case
def test_the_server_span_equals_the_flask_instrumentors(
    name: str, stock: dict[str, Any], ours: InstrumentedApp
) -> None:
    case = CASES[name]
    ours.send(case.request)
    [span], [stock_span] = ours.spans, stock[name]["spans"]
    assert differences(stock_span, span) == expected_differences(span_differences(case), case.span)


@every_case
def test_the_segment_equals_the_x_ray_middlewares(name: str, stock: dict[str, Any], ours: InstrumentedApp) -> None:
    case = CASES[name]
    ours.send(case.request)
    [segment], [stock_segment] = ours.segments, stock[name]["segments"]
    assert differences(stock_segment, segment) == expected_differences(SEGMENT_DIFFERENCES, case.segment)
