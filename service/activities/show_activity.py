"""Return one activity with its replies, in no span but the request's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from service.activities.model import Activity, activity, reply


def run(activity_uuid: UUID) -> Activity:
    """Return the activity `activity_uuid`."""
    now = datetime.now(UTC).astimezone()
    worf_reply = reply(
        uuid="26e12864-1c26-5c3a-9658-97a10f8fea67",
        to=str(activity_uuid),
        handle="Worf",
        message="This post has no honor!",
        created_at=now - timedelta(days=2),
    )
    return activity(
        uuid=str(activity_uuid),
        handle="Andrew Brown",
        message="Cloud is fun!",
        created_at=now - timedelta(days=2),
        expires_at=now + timedelta(days=5),
        replies=[worf_reply],
    )
