"""Say why a place is not read, and what to search for in the product itself."""

from __future__ import annotations

from typing import Final

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE
from operations.traces.deployment import Deployment
from operations.traces.document import Place
from operations.traces.places.rollbar import TOKEN_VARIABLE
from operations.traces.trace_ids import xray_trace_id

SEARCHES: Final = {
    Place.HONEYCOMB: "trace.trace_id = {digits} at https://ui.honeycomb.io",
    Place.XRAY: "{xray} in X-Ray's console",
    Place.CLOUDWATCH: '"{digits}" in the log group',
    Place.ROLLBAR: "custom.trace_id: {digits} at https://rollbar.com",
}
"""What people search for in each product's own page."""


def not_read(deployment: Deployment | None, place: Place, trace_id: str) -> str | None:
    """Return why a place is not read, and what to look for there; None where it is read."""
    search = SEARCHES[place].format(digits=trace_id, xray=xray_trace_id(trace_id))
    if deployment is None:
        return f"no stack that your credentials can read has this URL: look for {search}"
    if place is Place.HONEYCOMB and deployment.honeycomb is None:
        return f"{CONFIGURATION_KEY_VARIABLE} is not set: look for {search}"
    if place is Place.ROLLBAR and deployment.rollbar is None:
        return f"{TOKEN_VARIABLE} is not set: look for {search}"
    return None
