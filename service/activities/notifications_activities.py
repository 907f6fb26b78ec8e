"""Return the notifications, in a subsegment of the X-Ray SDK and with a log line, as the tutorial has it.

New handlers copy search_activities.py: `telemetry.span` and `telemetry.annotate`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from service.activities.model import Activity, activity


def run(*, logger: logging.Logger) -> list[Activity]:
    """Return the newest notifications."""
    from aws_xray_sdk.core import xray_recorder  # noqa: PLC0415 - with the X-Ray sink off, only handlers import the SDK

    # Two spaces, as in the tutorial: saved searches match this text.
    logger.info("Hello CloudWatch! from  /api/activities/notifications")
    subsegment = xray_recorder.begin_subsegment("notifications_activities")
    try:
        now = datetime.now(UTC).astimezone()
        results = _mock_data(now)
        subsegment.put_metadata("key", {"now": now.isoformat(), "results-size": len(results)}, "namespace")
        return results
    finally:
        xray_recorder.end_subsegment()


def _mock_data(now: datetime) -> list[Activity]:
    return [
        activity(
            uuid="68f126b0-1ceb-4a33-88be-d90fa7109eee",
            handle="coco",
            message="I am white unicorn",
            created_at=now - timedelta(days=2),
            expires_at=now + timedelta(days=5),
            likes=5,
        )
    ]
