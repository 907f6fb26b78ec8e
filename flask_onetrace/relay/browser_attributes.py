"""Which attributes of a browser are forwarded, by name: what a page can know, and nothing that the back end owns.

The names are those that the page in `service/web` sets, and those of OpenTelemetry's semantic conventions for browsers
and HTTP clients. All others are dropped: `SampleRate` multiplies what is counted in Honeycomb, `service.name` and
`meta.*` say who sent a span, `user.id` whose it is.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

from flask_onetrace.relay.otlp_request import Scalar, Value

MAX_TEXT: Final = 2048
"""Characters of a text, as the page cuts them (`MAX_ATTRIBUTE_LENGTH` in setup.ts)."""
_MAX_KEY = 64
_INT64 = range(-(2**63), 2**63)

SERVICE_NAME: Final = "service.name"
USER_ID: Final = "user.id"

_PREFIXES = (
    r"app\.screen|app\.widget|browser|code|device|error|event|exception|feature_flag|http|navigation|network|page"
    r"|server|session|url|user_agent|web_vital"
)
_OF_SPANS = re.compile(
    # The rest are the names of OpenTelemetry's user-interaction instrumentation.
    rf"(?:{_PREFIXES})\.[a-z0-9_.]+|event_type|target_(?:element|id|xpath)"
)
_OF_RESOURCES = re.compile(
    rf"{SERVICE_NAME}|service\.version|deployment\.environment\.name"
    r"|(?:telemetry\.sdk|browser|device|os|session|user_agent)\.[a-z0-9_.]+"
)


def is_of_span(key: str) -> bool:
    """Return whether a browser's span, event or link may have the attribute `key`."""
    return len(key) <= _MAX_KEY and _OF_SPANS.fullmatch(key) is not None


def is_of_resource(key: str) -> bool:
    """Return whether a browser's resource may have the attribute `key`."""
    return len(key) <= _MAX_KEY and _OF_RESOURCES.fullmatch(key) is not None


def any_value(value: Value) -> dict[str, Any]:
    """Return the fields of an `AnyValue` message. Raises `ValueError` for a number that it cannot hold."""
    if isinstance(value, list):
        return {"array_value": {"values": [_scalar(each) for each in value]}}
    return _scalar(value)


def _scalar(value: Scalar) -> dict[str, Any]:
    if isinstance(value, str):
        return {"string_value": value}
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, int) and value in _INT64:
        return {"int_value": value}
    if isinstance(value, float) and isfinite(value):
        return {"double_value": value}
    raise ValueError("not a number of 64 bits")
