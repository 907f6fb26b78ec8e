"""Record one subsegment for each call of a library that the X-Ray SDK has patched, and no span beneath it."""

from __future__ import annotations

from typing import Any, Final

import wrapt
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.recorder import AWSXRayRecorder
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled, suppress_http_instrumentation

from flask_onetrace.telemetry.instrumentations import database

_DBAPI: Final = "aws_xray_sdk.ext.dbapi2"


def record_subsegment(  # noqa: PLR0917 - the SDK's signature
    wrapped: Any,  # noqa: ANN401 - the SDK publishes no types
    instance: Any,  # noqa: ANN401 - the same
    args: Any,  # noqa: ANN401 - the same
    kwargs: Any,  # noqa: ANN401 - the same
    name: str,
    namespace: str,
    meta_processor: Any,  # noqa: ANN401 - the same
) -> Any:  # noqa: ANN401 - the same
    """Call `wrapped` within a subsegment: replaces the recorder's method.

    Not within a call that has a span already, or that a sink makes. Only patched libraries have a `meta_processor`.
    """
    record = AWSXRayRecorder.record_subsegment
    if meta_processor is None:
        if _is_cursor(instance) and database.is_suppressed():
            # Of the driver itself: the SDK's would add the statement to the subsegment around it.
            return getattr(instance.__wrapped__, wrapped.__name__)(*args, **kwargs)
        return record(xray_recorder, wrapped, instance, args, kwargs, name, namespace, None)
    if not is_http_instrumentation_enabled():
        return wrapped(*args, **kwargs)

    def call(*call_args: Any, **call_kwargs: Any) -> Any:  # noqa: ANN401 - those of `wrapped`
        with suppress_http_instrumentation():
            return wrapped(*call_args, **call_kwargs)

    return record(xray_recorder, call, instance, args, kwargs, name, namespace, meta_processor)


def keep_trace_headers() -> None:
    """Have the SDK's patch of `http.client` leave the headers of a library above it as they are.

    It would name the subsegment around the call as the parent, and not the call's span.
    """
    wrapt.register_post_import_hook(_keep_trace_headers, "aws_xray_sdk.ext.httplib.patch")


def _keep_trace_headers(module: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
    inject = module.inject_trace_header

    def inject_trace_header(headers: Any, entity: Any) -> None:  # noqa: ANN401 - the same
        if is_http_instrumentation_enabled():
            inject(headers, entity)

    module.inject_trace_header = inject_trace_header


def _is_cursor(instance: object) -> bool:
    return any(each.__module__ == _DBAPI for each in type(instance).__mro__)
