"""Read which of a service's deployment alarms are in ALARM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from operations.deploy.clients import Client


class FiringAlarm(NamedTuple):
    """An alarm that is in ALARM, since `since`."""

    name: str
    reason: str
    since: datetime | None


def firing_alarms(cloudwatch: Client, names: Sequence[str]) -> list[FiringAlarm]:
    """Return those of the alarms that are in ALARM. Raises botocore's `ClientError`."""
    if not names:
        return []
    response = cloudwatch.describe_alarms(AlarmNames=list(names), StateValue="ALARM")
    alarms: list[dict[str, Any]] = response.get("MetricAlarms") or []
    return [
        FiringAlarm(
            each.get("AlarmName") or "",
            each.get("StateReason") or "",
            each.get("StateTransitionedTimestamp") or each.get("StateUpdatedTimestamp"),
        )
        for each in alarms
        if each.get("StateValue") == "ALARM"
    ]
