"""Return the home feed, in a span of OpenTelemetry's own tracer, as the tutorial has it.

New handlers copy search_activities.py: `telemetry.span` and `telemetry.annotate`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opentelemetry import trace

from service.activities.model import Activity, activity, reply

tracer = trace.get_tracer("home.activities")


def run() -> list[Activity]:
    """Return the newest activities."""
    with tracer.start_as_current_span("HomeActivities-MockData") as span:
        now = datetime.now(UTC).astimezone()
        span.set_attribute("home-activities-app.now", now.isoformat())
        results = _mock_data(now)
        span.set_attribute("home-activities-app.result_length", len(results))
        return results


def _mock_data(now: datetime) -> list[Activity]:
    worf_replies = reply(
        uuid="26e12864-1c26-5c3a-9658-97a10f8fea67",
        to="68f126b0-1ceb-4a33-88be-d90fa7109eee",
        handle="Worf",
        message="This post has no honor!",
        created_at=now - timedelta(days=2),
    )
    return [
        activity(
            uuid="68f126b0-1ceb-4a33-88be-d90fa7109eee",
            handle="Andrew Brown",
            message="Cloud is fun!",
            created_at=now - timedelta(days=2),
            expires_at=now + timedelta(days=5),
            likes=5,
            replies=[worf_replies],
        ),
        activity(
            uuid="66e12864-8c26-4c3a-9658-95a10f8fea67",
            handle="Worf",
            message="I am out of prune juice",
            created_at=now - timedelta(days=7),
            expires_at=now + timedelta(days=9),
        ),
        activity(
            uuid="248959df-3079-4947-b847-9e0892d1bab4",
            handle="Garek",
            message="My dear doctor, I am just simple tailor",
            created_at=now - timedelta(hours=1),
            expires_at=now + timedelta(hours=12),
        ),
    ]
