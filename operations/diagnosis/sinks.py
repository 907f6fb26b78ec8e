"""Name the variables with each sink's key and endpoint, and tell what a sink's report says of its response."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE, Variable
from operations.diagnosis.cause import Symptom
from operations.traces.document import Place
from operations.traces.places.rollbar import TOKEN_VARIABLE
from operations.traces.reports import Report


class Key(NamedTuple):
    """The variable with a sink's key, where it is used, and by what that place is read.

    `kind` is what the product calls such a key, `unit` what one belongs to there.
    """

    variable: Variable
    place: Place
    kind: str
    unit: str
    reader: str

    @property
    def symptom(self) -> Symptom:
        """What is missing without it."""
        return Symptom(self.place.value)


KEYS: Final = {
    "honeycomb": Key(
        Variable.HONEYCOMB_API_KEY, Place.HONEYCOMB, "an ingest key", "environment", CONFIGURATION_KEY_VARIABLE
    ),
    "rollbar": Key(
        Variable.ROLLBAR_ACCESS_TOKEN,
        Place.ROLLBAR,
        "a project access token with the scope post_server_item",
        "project",
        TOKEN_VARIABLE,
    ),
}
"""The key of each sink that needs one."""
ENDPOINTS: Final = {
    Place.HONEYCOMB: Variable.OTEL_EXPORTER_OTLP_ENDPOINT,
    Place.XRAY: Variable.AWS_XRAY_DAEMON_ADDRESS,
    Place.CLOUDWATCH: Variable.AWS_REGION,
    Place.ROLLBAR: Variable.ROLLBAR_ENDPOINT,
}
"""The variable that says where each sink sends."""

_REFUSED: Final = re.compile(r"answered 40[13]\b")
_ANSWER: Final = re.compile(r"answered \d{3}\b|log group .* not found")


def is_refused(report: Report) -> bool:
    """Return whether the sink answered 401 or 403."""
    return bool(_REFUSED.search(report.reason))


def is_answer(report: Report) -> bool:
    """Return whether the sink answered at all."""
    return bool(_ANSWER.search(report.reason))
