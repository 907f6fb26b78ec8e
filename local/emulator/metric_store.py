"""Put the data points of AWS's own metrics, and of those in log events, into ministack's CloudWatch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ministack.services import cloudwatch

KEPT_SECONDS: Final = 3 * 60 * 60
"""How long a data point is kept; ministack keeps those of PutMetricData for two weeks."""

Point = dict[str, Any]
"""A data point of ministack: `Value`, `Unit`, and `Count` of equal values or `_stat`, a statistic set."""


def put(namespace: str, name: str, dimensions: Mapping[str, str], point: Point, *, start: float) -> None:
    """Store a point with the time `start` (seconds since the epoch), in the current account and region."""
    points = cloudwatch._metric_bucket((namespace, name, cloudwatch._dims_key(dimensions)))
    points.append({**point, "Timestamp": start, "Dimensions": dimensions})
    oldest = time.time() - KEPT_SECONDS
    points[:] = [each for each in points if each["Timestamp"] >= oldest]
