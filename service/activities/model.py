"""Build activities as the API returns them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

Activity = dict[str, Any]


def activity(
    *,
    uuid: str,
    handle: str,
    message: str,
    created_at: datetime,
    expires_at: datetime | None = None,
    likes: int = 0,
    replies: Sequence[Activity] = (),
) -> Activity:
    """Return one activity; its times are in ISO 8601."""
    return {
        "uuid": uuid,
        "handle": handle,
        "message": message,
        "created_at": created_at.isoformat(),
        "expires_at": expires_at.isoformat() if expires_at is not None else None,
        "likes_count": likes,
        "replies_count": len(replies),
        "reposts_count": 0,
        "replies": list(replies),
    }


def reply(*, uuid: str, to: str, handle: str, message: str, created_at: datetime) -> Activity:
    """Return one reply to the activity whose uuid is `to`."""
    return {
        **activity(uuid=uuid, handle=handle, message=message, created_at=created_at),
        "reply_to_activity_uuid": to,
    }
