"""Send the smoke test's requests through the deployed load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import requests

from flask_onetrace.contract import RUNTIME_FAULT_PATH, TRACE_ID_HEADER
from infra.application import Application
from local.workspace.http_client import direct_client
from operations.errors import OperatorError

TIMEOUT_SECONDS: Final = 10
TRACE_ID_DIGITS: Final = 32
FAULT_STATUS: Final = 500
TRACE_BACKENDS: Final = ("Honeycomb", "X-Ray", "CloudWatch Logs")
SHOWN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request: its path, the expected status, and the telemetry backends that must receive it."""

    path: str
    status: int
    backends: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a probe. `trace_id` is empty where its header has none."""

    probe: Probe
    status: int
    trace_id: str
    body: str

    @property
    def problem(self) -> str | None:
        """Return what is wrong with it, None where it is as expected."""
        got = f"GET {self.probe.path} returned {self.status}"
        if self.status != self.probe.status:
            trace = f", trace id {self.trace_id}" if self.trace_id else ""
            return f"{got}, expected {self.probe.status}{trace}: {self.body}"
        return None if self.trace_id else f"{got} without a trace id in {TRACE_ID_HEADER}"


def probes_of(application: Application, environment: Mapping[str, str]) -> tuple[Probe, ...]:
    """Return the description's request, with the values of its task's `environment`, and one that fails on purpose."""
    request = application.smoke_test
    return (
        Probe(
            path=request.path, status=request.status, headers=request.headers_with(environment), backends=TRACE_BACKENDS
        ),
        Probe(path=RUNTIME_FAULT_PATH, status=FAULT_STATUS, backends=(*TRACE_BACKENDS, "Rollbar")),
    )


def send(url: str, headers: Mapping[str, str], probe: Probe) -> Answer:
    """Send the request to the load balancer at `url`. Raises `OperatorError` where there is no response."""
    with direct_client() as client:
        try:
            response = client.get(
                url + probe.path, headers={**probe.headers, **headers}, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise OperatorError(f"GET {probe.path} from {url} failed: {error}", "See make logs") from error
    trace_id = response.headers.get(TRACE_ID_HEADER, "")
    return Answer(
        probe,
        response.status_code,
        trace_id if len(trace_id) == TRACE_ID_DIGITS else "",
        " ".join(response.text.split())[:SHOWN_CHARACTERS],
    )
