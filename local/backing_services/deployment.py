"""Describe the running local deployment to what reads telemetry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
import requests

from flask_onetrace.telemetry.config import Secret
from infra.names import Names
from local.application.selection import deployed_application
from local.backing_services.emulated_aws import REGION
from local.backing_services.running import running_deployment
from local.workspace.http_client import direct_client
from local.workspace.ports import LOOPBACK
from local.workspace.session import ENVIRONMENT, Session
from operations.honeycomb.client import REGIONS
from operations.traces.deployment import Deployment
from operations.traces.document import Json
from operations.traces.errors import ReadError
from operations.traces.places.rollbar import RollbarReader
from operations.traces.records import records
from operations.traces.summary import number

TIMEOUT_SECONDS: Final = 10
READ_TOKEN: Final = "local-fake-read-token"  # noqa: S105 - the fakes accept any
MAX_PAGES: Final = 250
"""Of occurrences: all that the fake of Rollbar stores."""


class FakeHoneycombReader:
    """Read spans from the fake of Honeycomb, which has a request for a trace, as Honeycomb has not."""

    def __init__(self, client: requests.Session, url: str) -> None:
        self._client = client
        self._url = url

    def spans(self, trace_id: str) -> Sequence[Json]:
        """Return the spans of a trace, the first to start first. Raises `ReadError`."""
        return sorted(self._get(f"/traces/{trace_id}"), key=lambda each: number(each.get("start_ns")))

    def newest_spans(self, limit: int) -> Sequence[Json]:
        """Return up to `limit` spans, the newest to arrive first. Raises `ReadError`."""
        return self._get("/spans", limit=limit)

    def url(self, trace_id: str) -> str | None:  # noqa: ARG002 - the protocol's
        """Return None: the fake has no page."""
        return None

    def _get(self, path: str, **query: int) -> list[Json]:
        try:
            response = self._client.get(self._url + path, params=query, timeout=TIMEOUT_SECONDS)
            response.raise_for_status()
            spans: Any = orjson.loads(response.content)
        except (requests.RequestException, ValueError) as error:
            raise ReadError(f"GET {self._url}{path} failed ({type(error).__name__})", "See make status") from error
        return records(spans) if isinstance(spans, list) else []


def local_deployment(session: Session) -> Deployment:
    """Return the deployment that `make up` runs.

    Raises `NotRunningError`.
    """
    state = session.state
    aws, ports = running_deployment(session)
    rollbar_url = f"http://{LOOPBACK}:{ports.rollbar}/api/1/"
    return Deployment(
        names=Names(deployed_application(state.application), ENVIRONMENT, tutorial=True),
        region=REGION,
        url=f"http://{LOOPBACK}:{state.load_balancer_port}",
        outputs=state.outputs,
        aws=aws,
        has_console=False,
        honeycomb=FakeHoneycombReader(direct_client(), f"http://{LOOPBACK}:{ports.honeycomb}"),
        honeycomb_urls={
            host: f"http://{LOOPBACK}:{port}"
            for host, port in zip(REGIONS, (ports.honeycomb, ports.honeycomb_eu), strict=True)
        },
        honeycomb_key=Secret(READ_TOKEN),
        rollbar=RollbarReader(direct_client(), rollbar_url, Secret(READ_TOKEN), max_pages=MAX_PAGES),
    )
