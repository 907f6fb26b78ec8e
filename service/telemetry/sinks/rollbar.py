"""Send error items to Rollbar: its SDK builds them, one bounded queue sends them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson
import requests
from flask import has_request_context, request
from opentelemetry.sdk.resources import Resource

from service.contract import SECRET_PLACEHOLDER
from service.settings import Settings
from service.telemetry.any_json import dumps
from service.telemetry.batching import Batcher, PermanentError
from service.telemetry.ids import span_hex
from service.telemetry.scope import RequestScope, current_scope
from service.telemetry.semantics import client_address
from service.telemetry.sink import Sink

NAME = "rollbar"

_TIMEOUT = 5.0
_ROOT = str(Path(__file__).resolve().parents[2])
_HEADERS = (
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "x_amzn_oidc_data",
    "x_amzn_oidc_accesstoken",
    "x_honeycomb_team",
)
_NAMES = (
    "token",
    "id_token",
    "refresh_token",
    "jwt",
    "api_key",
    "apikey",
    "client_secret",
    "private_key",
    "credentials",
    "cookies",
    "session",
    "query_string",
    "raw_uri",
    "request_uri",
)
"""Fields, parameters and local variables that hold secrets by custom, beyond those that the SDK knows.

The last three are WSGI's: the item has the URL as well, with its query's secrets taken out.
"""
_REDACTED = b"[redacted]"
_SHORTEST_KEY = 8
"""Characters. A shorter one would be found in harmless text."""
_MAX_PERSON = 40
"""Characters of a person's id ("Create an Item", Rollbar API reference)."""
_sdk_lock = threading.Lock()
_sdk_ready = threading.Event()


def connect(settings: Settings, resource: Resource) -> Sink:  # noqa: ARG001 - the shape that all sinks share
    """Return the sink: on with a `ROLLBAR_ACCESS_TOKEN` that is no placeholder."""
    token = settings.rollbar_access_token
    if token is None:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN is not set")
    if token.reveal() == SECRET_PLACEHOLDER:
        return Sink(name=NAME, off_because="ROLLBAR_ACCESS_TOKEN still holds its placeholder: run `make secrets`")
    _prepare_sdk()
    poster = _Poster(urljoin(settings.rollbar_endpoint.rstrip("/") + "/", "item/"), token.reveal(), _keys(settings))
    queue: Batcher[dict[str, Any]] = Batcher(NAME, poster.send, capacity=256, batch_size=1)

    def take(payload: dict[str, Any]) -> None:
        queue.put(_complete(payload["data"], settings))

    return Sink(name=NAME, report_exception=_report, route_item=take, queue=queue)


def _prepare_sdk() -> None:
    """Initialise Rollbar's SDK once in the process; its items are handed to the app that they belong to.

    The SDK keeps one global token. Two apps in a process would share it, so none is given to it: each
    item is taken by `_hand_over` before the SDK would send it.
    """
    import rollbar  # noqa: PLC0415 - only for this sink
    from rollbar.lib import events  # noqa: PLC0415

    with _sdk_lock:
        if _sdk_ready.is_set():
            return
        # A header's name as HTTP, as Python and as WSGI have it.
        headers = [each for name in _HEADERS for each in (name.replace("_", "-"), name, f"http_{name}")]
        scrubbed = [*rollbar.SETTINGS["scrub_fields"], *headers, *_NAMES]
        rollbar.init(
            "given-per-app",
            root=_ROOT,
            scrub_fields=scrubbed,
            allow_logging_basic_config=False,
            suppress_reinit_warning=True,
        )
        events.add_payload_handler(_hand_over)
        _sdk_ready.set()


def _hand_over(payload: dict[str, Any], **_: object) -> bool:
    """Give the finished item to the current app's sink. False keeps the SDK from sending it."""
    from service.telemetry.core import current_telemetry  # noqa: PLC0415 - core imports the sinks

    telemetry = current_telemetry()
    if telemetry is not None:
        telemetry.route_error_item(payload)
    return False


def _report(error: BaseException) -> None:
    import rollbar  # noqa: PLC0415 - only for this sink

    rollbar.report_exc_info(
        (type(error), error, error.__traceback__), request=request if has_request_context() else None
    )


def _complete(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    data["environment"] = settings.environment
    data["code_version"] = settings.version
    data["framework"] = "flask"
    if "request" in data and has_request_context():
        # The SDK takes all of X-Forwarded-For, which begins with whatever the client claims.
        data["request"]["user_ip"] = client_address(request.environ)
    scope = current_scope()
    if scope is None:
        return data
    scope.rollbar_uuid = data["uuid"]
    data["context"] = scope.route or scope.path
    data["custom"] = {**(data.get("custom") or {}), **_ids(scope)}
    if scope.user_id is not None:
        data["person"] = {"id": scope.user_id[:_MAX_PERSON]}
    return data


def _ids(scope: RequestScope) -> dict[str, str]:
    return {
        "trace_id": scope.trace_hex,
        "xray_trace_id": scope.xray_id,
        "span_id": span_hex(scope.span.get_span_context().span_id),
    }


def _keys(settings: Settings) -> tuple[bytes, ...]:
    """Return the service's own keys: a frame's local variables may hold them under any name."""
    held = [key.reveal() for key in (settings.rollbar_access_token, settings.honeycomb_api_key) if key is not None]
    held += settings.otlp_headers.reveal().values()
    return tuple(orjson.dumps(key)[1:-1] for key in held if len(key) >= _SHORTEST_KEY)


class _Poster:
    """Post items, one a call: the API's `POST /api/1/item/` takes a single one."""

    def __init__(self, url: str, token: str, keys: tuple[bytes, ...]) -> None:
        self._url = url
        self._keys = keys
        self._session = requests.Session()
        self._session.headers.update({"x-rollbar-access-token": token, "content-type": "application/json"})

    def send(self, batch: list[dict[str, Any]]) -> None:
        for data in batch:
            answer = self._session.post(self._url, data=self._body(data), timeout=_TIMEOUT)
            if answer.status_code == 429 or answer.status_code >= 500:  # noqa: PLR2004 - HTTP's "try again"
                raise ConnectionError(f"{self._url} answered {answer.status_code}")
            if not answer.ok:
                raise PermanentError(f"{self._url} answered {answer.status_code}: check ROLLBAR_ACCESS_TOKEN")

    def _body(self, data: dict[str, Any]) -> bytes:
        body = dumps({"data": data})
        for key in self._keys:
            body = body.replace(key, _REDACTED)
        return body
