"""Serve the notifications, observed by an X-Ray subsegment and a log line."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from aws_xray_sdk.core import xray_recorder

from service.activities.model import Activity, activity


def run(*, logger: logging.Logger) -> list[Activity]:
    """Return the newest notifications."""
    # Two blanks, as the saved searches of the tutorial's readers have it.
    logger.info("Hello CloudWatch! from  /api/activities/notifications")
    subsegment = xray_recorder.begin_subsegment("notifications_activities")
    try:
        now = datetime.now(UTC).astimezone()
        results = _mock_data(now)
        facts = {"now": now.isoformat(), "results-size": len(results)}
        subsegment.put_metadata("key", facts, "namespace")
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
