"""Return one user's feed, in a span of `flask_onetrace.telemetry`.

New handlers copy search_activities.py, where the annotations are plain keywords.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask_onetrace import telemetry
from service.activities.model import Activity, activity


def run(handle: str) -> list[Activity]:
    """Return the activities of `handle`."""
    with telemetry.span("UserActivities-MockData"):
        results = _mock_data(handle, datetime.now(UTC).astimezone())
        # A dict, because attribute names with dots and hyphens cannot be keywords.
        annotations: dict[str, str | int] = {
            "user-activities-app.handle": handle,
            "user-activities-app.result_length": len(results),
        }
        telemetry.annotate(**annotations)
        return results


def _mock_data(handle: str, now: datetime) -> list[Activity]:
    return [
        activity(
            uuid="248959df-3079-4947-b847-9e0892d1bab4",
            handle=handle,
            message="Cloud is fun!",
            created_at=now - timedelta(days=1),
            expires_at=now + timedelta(days=31),
        )
    ]
