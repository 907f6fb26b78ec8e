"""Send the smoke test's requests through the deployed load balancer."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import requests

from flask_onetrace.contract import RUNTIME_FAULT_PATH, TRACE_ID_HEADER
from infra.application import Application
from local.workspace.http_client import direct_client, path_with_slash, trace_id_of
from operations.errors import OperatorError

TIMEOUT_SECONDS: Final = 10
FAULT_STATUS: Final = 500
TRACE_BACKENDS: Final = ("Honeycomb", "X-Ray", "CloudWatch Logs")
SHOWN_CHARACTERS: Final = 200
PAGE_TITLE: Final = re.compile("<title[^>]*>([^<]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request: its path, the expected status, and the telemetry backends that must receive it.

    Without backends its response needs no trace id.
    """

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
    body: str = ""
    location: str = ""

    @property
    def problem(self) -> str | None:
        """Return what is wrong with it, None where it is as expected."""
        got = f"GET {self.probe.path} returned {self.status}{f' to {self.location}' if self.location else ''}"
        if self.status != self.probe.status:
            trace = f", trace id {self.trace_id}" if self.trace_id else ""
            body = f": {self.body}" if self.body and not self.location else ""
            return f"{got}, expected {self.probe.status}{trace}{body}"
        return None if self.trace_id or not self.probe.backends else f"{got} without a trace id in {TRACE_ID_HEADER}"

    @property
    def remedy(self) -> str | None:
        """Return what to do about a redirect that is not expected, None where the response does not say it."""
        if not self.location or self.status == self.probe.status or self.probe.path == RUNTIME_FAULT_PATH:
            return None
        if (added := path_with_slash(self.probe.path, self.location)) is not None:
            return f'Set [smoke_test] path = "{added}"'
        return f"Set [smoke_test] status = {self.status}, or a path that needs no login"


def probes_of(application: Application, environment: Mapping[str, str], *, runtime: bool) -> tuple[Probe, ...]:
    """Return the description's request, with the values of its task's `environment`, and one that fails on purpose.

    Without the runtime an image need not trace, and has no route that fails.
    """
    request = application.smoke_test
    headers, backends = request.headers_with(environment), TRACE_BACKENDS if runtime else ()
    probe = Probe(path=request.path, status=request.status, headers=headers, backends=backends)
    fault = Probe(path=RUNTIME_FAULT_PATH, status=FAULT_STATUS, backends=(*TRACE_BACKENDS, "Rollbar"))
    return (probe, fault) if runtime else (probe,)


def send(url: str, headers: Mapping[str, str], probe: Probe) -> Answer:
    """Send the request to the load balancer at `url`. Raises `OperatorError` where there is no response."""
    with direct_client() as client:
        try:
            response = client.get(
                url + probe.path, headers={**probe.headers, **headers}, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise OperatorError(f"GET {probe.path} from {url} failed: {error}", "See make logs") from error
    location = response.headers.get("Location", "") if response.is_redirect else ""
    return Answer(probe, response.status_code, trace_id_of(response), _shown(response), location)


def _shown(response: requests.Response) -> str:
    """Return the title of a page, and the beginning of any other body."""
    text = " ".join(response.text.split())
    if "html" in response.headers.get("Content-Type", ""):
        title = PAGE_TITLE.search(text)
        text = html.unescape(title[1]).strip() if title else ""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
