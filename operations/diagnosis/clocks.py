"""Compare clocks: this machine's with AWS's by a response's `Date`, and the task's by the times of what it sent.

`Date` has whole seconds ("Date", RFC 9110). That of the service's responses may be the load balancer's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from flask_onetrace.contract import ACCESS_LOGGER, LOGGER_FIELD, Output
from operations.diagnosis.facts import Clocks, Observed
from operations.traces.deployment import Deployment
from operations.traces.document import Place
from operations.traces.trace_ids import hex_trace_id


def read(deployment: Deployment, observed: Observed) -> Clocks:
    """Return how far the clocks of this machine and of the task are ahead of AWS's. Raises botocore's errors."""
    outputs = deployment.outputs
    before = time.time()
    response: Mapping[str, Any] = deployment.aws.ecs.describe_services(
        cluster=outputs[Output.CLUSTER], services=[outputs[Output.SERVICE]]
    )
    middle = (before + time.time()) / 2
    aws = _seconds(response["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
    machine = None if aws is None else middle - aws
    offsets = sorted(_offsets(observed), key=abs)
    return Clocks(machine=machine, task=offsets[0] + (machine or 0.0) if offsets else None)


def _offsets(observed: Observed) -> Iterator[float]:
    """Yield how far the task's clock is ahead of this machine's, by each segment and each access line."""
    exchanges = {each.trace_id: each for each in observed.exchanges if each.trace_id}
    for segment in observed.arrived.get(Place.XRAY, ()):
        exchange = exchanges.get(hex_trace_id(str(segment.get("trace_id", ""))))
        start = segment.get("start_time")
        if exchange is not None and isinstance(start, int | float):
            yield _outside(float(start), exchange.sent_at, exchange.received_at)
    for line in observed.arrived.get(Place.CLOUDWATCH, ()):
        fields = line.get("fields", {})
        exchange = exchanges.get(str(fields.get("trace_id", "")))
        if exchange is not None and fields.get(LOGGER_FIELD) == ACCESS_LOGGER:
            yield _outside(line.get("timestamp", 0) / 1000, exchange.sent_at, exchange.received_at)


def _outside(moment: float, start: float, end: float) -> float:
    """Return by how many seconds a moment is before (less than 0) or after a period, 0 within it."""
    return min(0.0, moment - start) or max(0.0, moment - end)


def _seconds(date: str) -> float | None:
    """Return the middle of the second that a header names, in seconds since the epoch; None for another text."""
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5
    except (TypeError, ValueError):
        return None
