"""Capture a request's exception and context quickly; the error item is built later, on another thread."""

from __future__ import annotations

import contextvars
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from types import TracebackType
from typing import Any, NamedTuple

import rollbar
from flask import Request, has_request_context, request

from service.telemetry.context.request_scope import RequestScope, current_scope
from service.telemetry.context.semconv import client_address
from service.telemetry.ids import span_hex, xray_trace_id
from service.telemetry.sink import ServiceInfo
from service.telemetry.spans.exceptions import ExceptionSnapshot

_ITEM_URL = "https://rollbar.com/instance/uuid?uuid="
"""The page of the occurrence with that uuid, for users who are signed in; the link that Rollbar's Ruby SDK prints."""
_MAX_PERSON = 40
"""Characters of a person's id ("Create an Item", Rollbar API reference)."""
_MAX_UNREAD_FORM = 64 * 1024
"""Bytes of a body that the handler has not read, and that is read for the item's sake."""


class RequestInfo(NamedTuple):
    """What the SDK does not know of the request that an item belongs to."""

    address: str | None
    scope: RequestScope | None
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


def complete(data: dict[str, Any], info: RequestInfo, service: ServiceInfo) -> dict[str, Any]:
    """Return the SDK's item with the service's version and environment and what `info` adds."""
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


def _trace_ids(scope: RequestScope) -> dict[str, str]:
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
    level: str | None
    info: RequestInfo
    request: Request | None
    error: BaseException | None = None
    traceback: TracebackType | None = None
    context: contextvars.Context | None = None
    snapshot: ExceptionSnapshot | None = None

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
    if level == "ignored" or getattr(error, "_rollbar_ignore", False):
        return None
    captured = CapturedException(
        uuid=str(uuid.uuid4()),
        timestamp=int(time.time()),
        level=level,
        info=current_request_info(),
        request=_detached_request(),
    )
    if with_frames:
        captured.error, captured.traceback, captured.context = error, error.__traceback__, contextvars.copy_context()
    else:
        captured.snapshot = ExceptionSnapshot(error, error.__traceback__)
    return captured


def _detached_request() -> Request | None:
    """Return a copy of the request that can be read after the server has closed the real one."""
    if not has_request_context():
        return None
    original: Request = request._get_current_object()  # type: ignore[attr-defined]  # what every proxy of werkzeug's has
    texts = {key: value for key, value in original.environ.items() if isinstance(value, str)}
    copy = Request({**texts, "wsgi.input": BytesIO()}, populate_request=False)
    copy.url_rule, copy.view_args = original.url_rule, original.view_args
    form, files = _form(original)
    # What werkzeug would parse from the input on first use, and what the SDK asks for.
    vars(copy).update(form=form, files=files, rollbar_person=_person(original))
    return copy


def _form(original: Request) -> tuple[Mapping[str, str], Mapping[str, None]]:
    if "form" not in vars(original) and (original.content_length or 0) > _MAX_UNREAD_FORM:
        return {}, {}
    try:
        return original.form, dict.fromkeys(original.files)
    except Exception:  # noqa: BLE001 - a client that disconnected, a body that is too long or not a form
        return {}, {}


def _person(original: Request) -> Any:  # noqa: ANN401 - any value of an application's request class
    try:
        # Private. It may call the application, which must be within its request.
        return rollbar._build_person_data(original)  # type: ignore[no-untyped-call]  # the SDK types a part of itself
    except Exception:  # noqa: BLE001 - application code
        return None
