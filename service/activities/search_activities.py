"""Search the activities, in a span of `flask_onetrace.telemetry`: the handler to copy.

The span and its annotations reach every sink that is on.
"""

from __future__ import annotations

from datetime import UTC, datetime

from werkzeug.exceptions import UnprocessableEntity

from flask_onetrace import telemetry
from service.activities.model import Activity, activity


def run(term: str) -> list[Activity]:
    """Return the activities that match `term`; a blank one is a 422."""
    if not term.strip():
        raise UnprocessableEntity("search_term_blank: pass a search term as ?term=")
    with telemetry.span("search_activities"):
        results = _mock_data(datetime.now(UTC).astimezone())
        telemetry.annotate(search_term=term, search_results=len(results))
        return results


def _mock_data(now: datetime) -> list[Activity]:
    return [
        activity(
            uuid="248959df-3079-4947-b847-9e0892d1bab4", handle="Andrew Brown", message="Cloud is fun!", created_at=now
        )
    ]
