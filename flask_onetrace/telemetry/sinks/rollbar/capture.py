"""Capture a request's exception and context quickly; the error item is built later, on another thread."""

from __future__ import annotations

import contextlib
import contextvars
import time
import uuid
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import Any, NamedTuple

import rollbar
from flask import Request, has_request_context, request

from flask_onetrace.telemetry.context.semconv import client_address
from flask_onetrace.telemetry.context.trace_scope import TraceScope, current_scope
from flask_onetrace.telemetry.export.size import estimate
from flask_onetrace.telemetry.ids import span_hex, xray_trace_id
from flask_onetrace.telemetry.sink import ServiceInfo
from flask_onetrace.telemetry.sinks.rollbar.substitutes import is_readable
from flask_onetrace.telemetry.spans.exceptions import ExceptionSnapshot

_ITEM_URL = "https://rollbar.com/instance/uuid?uuid="
"""The page of the occurrence with that uuid, for users who are signed in; the link that Rollbar's Ruby SDK prints."""
_MAX_PERSON = 40
"""Characters of a person's id ("Create an Item", Rollbar API reference)."""
_MAX_BODY = 64 * 1024
"""Bytes of memory of a form or of parsed JSON that an item shows."""
_MAX_HEADER = 2_000
"""Characters of a header that an item shows."""
_PLAIN_SIZE = 3_000
"""Bytes of a captured exception with a short message."""
REPEATS_LEFT_OUT = "repeats_left_out"
"""The field of `custom` that counts the items of the same cause that were left out before this one."""


class RequestInfo(NamedTuple):
    """What the SDK does not know of the request that an item belongs to."""

    address: str | None
    scope: TraceScope | None
    user_id: str | None


def current_request_info() -> RequestInfo:
    """Return that of the running code."""
    scope = current_scope()
    address = None
    if has_request_context():  # there is no scope on an untraced path
        address = scope.client_address if scope is not None else client_address(request.environ)
    return RequestInfo(address, scope, scope.user_id if scope is not None else None)


def add_item_ids(info: RequestInfo, item_uuid: str) -> None:
    """Put the uuid and URL of an item on its request's server span."""
    if info.scope is not None:
        info.scope.add_event_ids({"rollbar.uuid": item_uuid, "rollbar.url": _ITEM_URL + item_uuid})


def add_trace(data: dict[str, Any]) -> None:
    """Add the ids of the trace to an item that the SDK sends itself, and its own to the span. Never raises."""
    with contextlib.suppress(Exception):  # filters of the application's may have put anything into the item
        info = current_request_info()
        if info.scope is not None:
            data["custom"] = {**(data.get("custom") or {}), **_trace_ids(info.scope)}
            add_item_ids(info, data["uuid"])


class Item(NamedTuple):
    """What the SDK has built, and the request that it belongs to."""

    data: dict[str, Any]
    info: RequestInfo
    repeats_left_out: int = 0


def complete(item: Item, service: ServiceInfo) -> dict[str, Any]:
    """Return the SDK's data with the service's version and environment and what the request's facts add."""
    data, info, repeats_left_out = item
    if repeats_left_out:
        data["custom"] = {**(data.get("custom") or {}), REPEATS_LEFT_OUT: repeats_left_out}
    data["environment"] = service.environment
    data["code_version"] = service.version
    data["framework"] = "flask"
    if "request" in data and info.address is not None:
        # The SDK uses all of X-Forwarded-For, which begins with what the client claims.
        data["request"]["user_ip"] = info.address
    if info.scope is None:
        return data
    data["context"] = info.scope.route or info.scope.path
    data["custom"] = {**(data.get("custom") or {}), **_trace_ids(info.scope)}
    if info.user_id is not None:
        data["person"] = {"id": info.user_id[:_MAX_PERSON]}
    return data


def _trace_ids(scope: TraceScope) -> dict[str, str]:
    return {
        "trace_id": scope.trace_hex,
        "xray_trace_id": xray_trace_id(scope.trace_id),
        "span_id": span_hex(scope.span.get_span_context().span_id),
    }


@dataclass(slots=True, kw_only=True)
class CapturedException:
    """A captured exception, queued for the thread that builds its item.

    `error` and `context` keep the request's frames, local variables and context variables alive until then. Without
    them, `snapshot` has only the traceback's file names and lines.
    """

    uuid: str
    timestamp: int
    captured_at: float
    """By the monotonic clock."""
    level: str | None
    info: RequestInfo
    request: Request | None
    repeats_left_out: int = 0
    error: BaseException | None = None
    traceback: TracebackType | None = None
    context: contextvars.Context | None = None
    snapshot: ExceptionSnapshot | None = None

    @property
    def size(self) -> int:
        """About how many bytes it takes, without frames."""
        size = _PLAIN_SIZE
        if self.snapshot is not None:
            size += self.snapshot.size
        if self.request is not None:
            size += estimate((self.request.environ, self.request.form, self.request._cached_json[0]))
        return size

    def drop_frames(self) -> None:
        """Keep only the traceback's file names and lines."""
        error, traceback = self.error, self.traceback
        if error is not None:
            self.snapshot = ExceptionSnapshot(error, traceback)
            self.error = self.traceback = self.context = None

    def release(self) -> None:
        """Drop every reference to the request."""
        self.error = self.traceback = self.context = self.snapshot = self.request = None


def capture(error: BaseException, *, with_frames: bool) -> CapturedException | None:
    """Return what `error` and the current request show; None where the SDK is configured to ignore it.

    A filter that the application has added to the SDK runs later, when the item is built: the span then names
    an item that was never sent.
    """
    # Private, and the SDK's only reader of its `exception_level_filters`.
    level = rollbar._filtered_level(error)
    if level == "ignored" or (is_readable(error) and getattr(error, "_rollbar_ignore", False)):
        return None
    captured = CapturedException(
        uuid=str(uuid.uuid4()),
        timestamp=int(time.time()),
        captured_at=time.monotonic(),
        level=level,
        info=current_request_info(),
        request=_current_request(),
    )
    if with_frames:
        captured.error, captured.traceback, captured.context = error, error.__traceback__, contextvars.copy_context()
    else:
        captured.snapshot = ExceptionSnapshot(error, error.__traceback__)
    return captured


def _current_request() -> Request | None:
    if not has_request_context():
        return None
    request_object: Request = request._get_current_object()  # type: ignore[attr-defined]  # what every proxy of werkzeug's has
    return detached(request_object)


class DetachedRequest(Request):
    """A copy of a request that can be read after the server has closed the real one. It reads nothing from the client.

    What the handler has not read of the body is unread in it too.
    """


def detached(original: Request) -> DetachedRequest:
    """Return a copy of `original`, itself where it is one."""
    if isinstance(original, DetachedRequest):
        return original
    texts = {key: value[:_MAX_HEADER] for key, value in original.environ.items() if isinstance(value, str)}
    copy = DetachedRequest({**texts, "wsgi.input": BytesIO()}, populate_request=False)
    copy.url_rule, copy.view_args = original.url_rule, original.view_args
    # What werkzeug has parsed already: to ask for it would parse the body, and wait for a client that sends none.
    parsed = vars(original)
    form = _bounded(parsed.get("form", {}), {})
    files = dict.fromkeys(parsed.get("files", ()))
    json = _bounded(next((each for each in original._cached_json if each is not ...), None), None)
    vars(copy).update(form=form, files=files, _cached_json=(json, json), rollbar_person=_person(original))
    return copy


def _bounded(value: Any, instead: Any) -> Any:  # noqa: ANN401 - any JSON
    return value if estimate(value) <= _MAX_BODY else instead


_build_request_data = rollbar._build_werkzeug_request_data


def read_nothing_for_items() -> None:
    """Keep the SDK from reading the body of a request when a handler calls `report_message`. Idempotent."""
    # Private: the SDK would read the body, and wait for a client that sends it slowly or never.
    rollbar._build_werkzeug_request_data = _parsed_request_data  # type: ignore[assignment]  # the parameter's name


def _parsed_request_data(original: Any) -> dict[str, Any]:  # noqa: ANN401 - werkzeug's request, of the SDK's own choice
    if not isinstance(original, Request):  # a request of plain werkzeug, which is not ours
        data: dict[str, Any] = _build_request_data(original)
        return data
    copy = detached(original)
    data = _build_request_data(copy)
    if (json := copy._cached_json[0]) is not None:
        data["body"] = json
    return data


def _person(original: Request) -> Any:  # noqa: ANN401 - any value of an application's request class
    try:
        # Private. It may call the application, which must be within its request.
        return rollbar._build_person_data(original)  # type: ignore[no-untyped-call]  # the SDK types a part of itself
    except Exception:  # noqa: BLE001 - application code
        return None
