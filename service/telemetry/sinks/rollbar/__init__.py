"""Send error items to Rollbar: its SDK builds them on one thread, another sends them."""

from __future__ import annotations

from urllib.parse import urljoin

from opentelemetry.sdk.resources import Resource

from service.contract import SECRET_PLACEHOLDER
from service.settings import Settings
from service.telemetry.export.errors import BusyError, PermanentError, UnauthorizedError
from service.telemetry.export.http import Poster
from service.telemetry.sink import Sink

NAME = "rollbar"

_FINE = 200
_UNAUTHORIZED = frozenset({401, 403})
_REMEDY = "check ROLLBAR_ACCESS_TOKEN; `make secrets` fills it in, a new deployment reads it"


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on with a `ROLLBAR_ACCESS_TOKEN` that is no placeholder."""
    token = settings.rollbar_access_token
    if token is None:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN is not set")
    if token.reveal() == SECRET_PLACEHOLDER:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN still holds its placeholder: run `make secrets`")
    from service.telemetry.sinks.rollbar import sdk  # noqa: PLC0415 - they import the SDK, only for this sink
    from service.telemetry.sinks.rollbar.queue import ErrorQueue  # noqa: PLC0415 - the same

    sdk.prepare()
    poster = _Poster(urljoin(settings.rollbar_endpoint.rstrip("/") + "/", "item/"), token.reveal())
    queue = ErrorQueue(NAME, poster.send, settings)
    return Sink(name=NAME, report_exception=queue.report, route_item=queue.take, queue=queue)


class _Poster:
    """Post items, one a call: the API's `POST /api/1/item/` takes a single one."""

    def __init__(self, url: str, token: str) -> None:
        self._poster = Poster(url, {"x-rollbar-access-token": token, "content-type": "application/json"})

    def send(self, batch: list[bytes]) -> None:
        url = self._poster.url
        for body in batch:
            answer = self._poster.post(body)
            if answer.is_busy:
                raise BusyError(f"{url} answered {answer.status}", answer.retry_after)
            if answer.status in _UNAUTHORIZED:
                raise UnauthorizedError(f"{url} answered {answer.status}: {_REMEDY}")
            if answer.status != _FINE:
                raise PermanentError(f"{url} answered {answer.status}: check ROLLBAR_ENDPOINT")
