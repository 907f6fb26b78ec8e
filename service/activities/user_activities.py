"""Serve one user's feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opentelemetry import trace

from service.activities.model import Activity, activity

tracer = trace.get_tracer("user.activities")


def run(handle: str) -> list[Activity]:
    """Return the activities of `handle`."""
    with tracer.start_as_current_span("UserActivities-MockData") as span:
        now = datetime.now(UTC).astimezone()
        results = [
            activity(
                uuid="248959df-3079-4947-b847-9e0892d1bab4",
                handle=handle,
                message="Cloud is fun!",
                created_at=now - timedelta(days=1),
                expires_at=now + timedelta(days=31),
            )
        ]
        span.set_attributes({"user-activities-app.handle": handle, "user-activities-app.result_length": len(results)})
        return results
