"""Send the smoke test's requests through the deployed load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import requests

from flask_onetrace.contract import TRACE_ID_HEADER
from local.workspace.http_client import direct_client
from operations.errors import OperatorError

TIMEOUT_SECONDS: Final = 10
TRACE_ID_DIGITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request: its path, the expected status, and the telemetry backends that must receive it."""

    path: str
    status: int
    backends: tuple[str, ...]


PROBES: Final = (
    Probe(path="/api/activities/home", status=200, backends=("Honeycomb", "X-Ray", "CloudWatch Logs")),
    Probe(path="/api/fault", status=500, backends=("Honeycomb", "X-Ray", "CloudWatch Logs", "Rollbar")),
)


def send(endpoint: str, host: str, probe: Probe) -> str:
    """Send the request to the load balancer `host` and return its trace id. Raises `OperatorError`."""
    with direct_client() as client:
        try:
            response = client.get(endpoint + probe.path, headers={"Host": host}, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise OperatorError(f"GET {probe.path} from {host} failed: {error}", "See make logs") from error
    trace_id = response.headers.get(TRACE_ID_HEADER, "")
    if response.status_code != probe.status or len(trace_id) != TRACE_ID_DIGITS:
        raise OperatorError(
            f"GET {probe.path} from {host} returned {response.status_code} with {TRACE_ID_HEADER} {trace_id!r}, "
            f"expected {probe.status} with a trace id: {response.text[:200]}",
            "See make logs",
        )
    return trace_id
