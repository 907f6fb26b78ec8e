"""Share the libraries with the X-Ray SDK's `patch`: whoever comes first traces a library, the other leaves it alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import wrapt
from opentelemetry import propagate
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from flask_onetrace.telemetry.instrumentations.database import within_sqlalchemy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PATCHER: Final = "aws_xray_sdk.core.patcher"
NAMES: Final = {"sqlalchemy": "sqlalchemy_core"}
"""The SDK's names of libraries, where they differ from OpenTelemetry's."""
_SENDERS: Final = {
    "requests": (("requests", "Session.send"),),
    "httpx": (("httpx", "HTTPTransport.handle_request"), ("httpx", "AsyncHTTPTransport.handle_async_request")),
}
"""The functions below the SDK's wrappers that take a request with `headers`."""


def patched() -> set[str]:
    """Return the SDK's own record of what it has patched: changes to it take effect."""
    patcher = sys.modules.get(PATCHER)
    names: set[str] = patcher._PATCHED_MODULES if patcher is not None else set()
    return names


def claim(names: Iterable[str]) -> None:
    """Have the SDK take the libraries `names` for patched."""
    patched().update(names)


def disclaim(name: str) -> None:
    """Let the SDK patch the library `name`."""
    patched().discard(name)


def propagate_through(name: str) -> None:
    """Have the calls of a library that the SDK has patched carry `traceparent` too, and be one span each."""
    for module, function in _SENDERS.get(name, ()):
        wrapt.wrap_function_wrapper(module, function, _send)
    if name == "sqlalchemy":
        wrapt.wrap_function_wrapper("sqlalchemy.engine.base", "Connection.execute", within_sqlalchemy)


def _send(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:  # noqa: ANN401 - those of `wrapped`
    headers = getattr(args[0] if args else kwargs.get("request"), "headers", None)
    if headers is not None and is_instrumentation_enabled():
        propagate.inject(headers)
    return wrapped(*args, **kwargs)
