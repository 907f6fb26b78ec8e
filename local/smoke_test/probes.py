"""Send requests through the deployed load balancer, and wait until each is seen where it belongs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import requests
from botocore.exceptions import BotoCoreError, ClientError

from local.smoke_test.backends import Place
from local.workspace.errors import LocalError

ARRIVAL_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.1
REQUEST_SECONDS: Final = 10
TRACE_ID_HEADER: Final = "X-Trace-Id"
TRACE_ID_DIGITS: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request: its path, the status it must get, and the names of the places where it must be seen."""

    path: str
    status: int
    places: tuple[str, ...]


PROBES: Final = (
    Probe(path="/api/activities/home", status=200, places=("Honeycomb", "X-Ray", "CloudWatch Logs")),
    Probe(path="/api/fault", status=500, places=("Honeycomb", "X-Ray", "CloudWatch Logs", "Rollbar")),
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a place held, and how many seconds after the response; `found` is None when it did not arrive."""

    place: str
    found: str | None
    seconds: float


def send(endpoint: str, host: str, probe: Probe) -> str:
    """Send the request to the load balancer named `host` and return its trace id; raises `LocalError`."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(endpoint + probe.path, headers={"Host": host}, timeout=REQUEST_SECONDS)
        except requests.RequestException as error:
            raise LocalError(f"{host} does not answer GET {probe.path}: {error}", "See make logs") from error
    trace_id = answer.headers.get(TRACE_ID_HEADER, "")
    if answer.status_code != probe.status or len(trace_id) != TRACE_ID_DIGITS:
        raise LocalError(
            f"GET {probe.path} through {host} gave {answer.status_code} with {TRACE_ID_HEADER} {trace_id!r}, "
            f"not {probe.status} with a trace id: {answer.text[:200]}",
            "See the service's log",
        )
    return trace_id


def look_everywhere(places: Sequence[Place], trace_id: str, seconds: float = ARRIVAL_SECONDS) -> list[Sighting]:
    """Return what arrived in each place within `seconds` from now, all waited for side by side."""
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=len(places)) as pool:
        return list(pool.map(lambda place: _wait_for(place, trace_id, started, seconds), places))


def _wait_for(place: Place, trace_id: str, started: float, seconds: float) -> Sighting:
    while True:
        found = _look(place, trace_id)
        waited = time.monotonic() - started
        if found is not None or waited > seconds:
            return Sighting(place.name, found, waited)
        time.sleep(POLL_SECONDS)


def _look(place: Place, trace_id: str) -> str | None:
    try:
        return place.find(trace_id)
    except (requests.RequestException, BotoCoreError, ClientError):
        # A place that does not answer holds nothing yet; what is missing at the end is reported as such.
        return None
