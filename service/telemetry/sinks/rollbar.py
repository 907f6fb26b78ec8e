"""Send error items to Rollbar: its SDK builds them on one thread, another sends them."""

from __future__ import annotations

from urllib.parse import urljoin

import requests
from opentelemetry.sdk.resources import Resource

from service.contract import SECRET_PLACEHOLDER
from service.settings import Settings
from service.telemetry.batching import PermanentError
from service.telemetry.sink import Sink

NAME = "rollbar"

_TIMEOUT = 5.0


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on with a `ROLLBAR_ACCESS_TOKEN` that is no placeholder."""
    token = settings.rollbar_access_token
    if token is None:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN is not set")
    if token.reveal() == SECRET_PLACEHOLDER:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN still holds its placeholder: run `make secrets`")
    from service.telemetry import rollbar_sdk  # noqa: PLC0415 - they import the SDK, only for this sink
    from service.telemetry.rollbar_queue import ErrorQueue  # noqa: PLC0415 - the same

    rollbar_sdk.prepare()
    poster = _Poster(urljoin(settings.rollbar_endpoint.rstrip("/") + "/", "item/"), token.reveal())
    queue = ErrorQueue(NAME, poster.send, settings)
    return Sink(name=NAME, report_exception=queue.report, route_item=queue.take, queue=queue)


class _Poster:
    """Post items, one a call: the API's `POST /api/1/item/` takes a single one."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers.update({"x-rollbar-access-token": token, "content-type": "application/json"})

    def send(self, batch: list[bytes]) -> None:
        for body in batch:
            answer = self._session.post(self._url, data=body, timeout=_TIMEOUT)
            if answer.status_code == 429 or answer.status_code >= 500:  # noqa: PLR2004 - HTTP's "try again"
                raise ConnectionError(f"{self._url} answered {answer.status_code}")
            if not answer.ok:
                raise PermanentError(f"{self._url} answered {answer.status_code}: check ROLLBAR_ACCESS_TOKEN")
