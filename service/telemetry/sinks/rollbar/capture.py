"""Take from a failing request what its error item needs, in as little time as can be; the item is built later."""

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

from service.settings import Settings
from service.telemetry.context.request_scope import RequestScope, current_scope
from service.telemetry.context.semconv import client_address
from service.telemetry.ids import span_hex
from service.telemetry.spans.exceptions import Told

_MAX_PERSON = 40
"""Characters of a person's id ("Create an Item", Rollbar API reference)."""
_MAX_UNREAD_FORM = 64 * 1024
"""Bytes of a body that the handler has left unread, and that is read for the item's sake."""


class Facts(NamedTuple):
    """What the SDK does not know of the request that an item belongs to."""

    address: str | None
    scope: RequestScope | None
    user_id: str | None


def facts() -> Facts:
    """Return those of the running code."""
    scope = current_scope()
    address = client_address(request.environ) if has_request_context() else None
    return Facts(address, scope, scope.user_id if scope is not None else None)


def completed(data: dict[str, Any], known: Facts, settings: Settings) -> dict[str, Any]:
    """Return the SDK's item with the app's settings and `known`."""
    data["environment"] = settings.environment
    data["code_version"] = settings.version
    data["framework"] = "flask"
    if "request" in data and known.address is not None:
        # The SDK takes all of X-Forwarded-For, which begins with whatever the client claims.
        data["request"]["user_ip"] = known.address
    if known.scope is None:
        return data
    data["context"] = known.scope.route or known.scope.path
    data["custom"] = {**(data.get("custom") or {}), **_ids(known.scope)}
    if known.user_id is not None:
        data["person"] = {"id": known.user_id[:_MAX_PERSON]}
    return data


def _ids(scope: RequestScope) -> dict[str, str]:
    return {
        "trace_id": scope.trace_hex,
        "xray_trace_id": scope.xray_id,
        "span_id": span_hex(scope.span.get_span_context().span_id),
    }


@dataclass(slots=True, kw_only=True)
class Raised:
    """An exception on its way to the thread that builds its item.

    `error` and `context` hold the request's frames, local variables and context variables alive until then. A plain one
    has neither: its `told` holds the traceback's file names and lines alone.
    """

    uuid: str
    timestamp: int
    level: str | None
    facts: Facts
    request: Request | None
    error: BaseException | None = None
    traceback: TracebackType | None = None
    context: contextvars.Context | None = None
    told: Told | None = None

    def let_go(self) -> None:
        """Hold nothing of the request any more."""
        self.error = self.traceback = self.context = self.told = self.request = None


def take(error: BaseException, *, with_frames: bool) -> Raised | None:
    """Return what `error` and the current request show; None where the SDK is told to ignore it.

    A filter that the application has added to the SDK runs later, when the item is built: the span then names
    an item that was never sent.
    """
    # Private, and the SDK's only reader of its `exception_level_filters`.
    level = rollbar._filtered_level(error)
    if level == "ignored" or getattr(error, "_rollbar_ignore", False):
        return None
    raised = Raised(
        uuid=str(uuid.uuid4()), timestamp=int(time.time()), level=level, facts=facts(), request=_detached_request()
    )
    if with_frames:
        raised.error, raised.traceback, raised.context = error, error.__traceback__, contextvars.copy_context()
    else:
        raised.told = Told(error, error.__traceback__)
    return raised


def _detached_request() -> Request | None:
    """Return a copy of the request that can be read when the server has long closed the real one."""
    if not has_request_context():
        return None
    real: Request = request._get_current_object()  # type: ignore[attr-defined]  # what every proxy of werkzeug's has
    texts = {key: value for key, value in real.environ.items() if isinstance(value, str)}
    copy = Request({**texts, "wsgi.input": BytesIO()}, populate_request=False)
    copy.url_rule, copy.view_args = real.url_rule, real.view_args
    form, files = _form(real)
    # What werkzeug would parse from the input on first use, and the SDK ask for.
    vars(copy).update(form=form, files=files, rollbar_person=_person(real))
    return copy


def _form(real: Request) -> tuple[Mapping[str, str], Mapping[str, None]]:
    if "form" not in vars(real) and (real.content_length or 0) > _MAX_UNREAD_FORM:
        return {}, {}
    try:
        return real.form, dict.fromkeys(real.files)
    except Exception:  # noqa: BLE001 - a client that has gone away, a body that is too long or no form at all
        return {}, {}


def _person(real: Request) -> Any:  # noqa: ANN401 - whatever an application's request class says
    try:
        # Private. It may ask the application, which must be within its request.
        return rollbar._build_person_data(real)  # type: ignore[no-untyped-call]  # the SDK types a part of itself
    except Exception:  # noqa: BLE001 - application code
        return None
