"""Open a job for a segment that code begins outside any request, as scripts for the X-Ray SDK do."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.recorder import AWSXRayRecorder
from opentelemetry import trace
from opentelemetry.context import detach

from flask_onetrace.telemetry.context.messages import message_context
from flask_onetrace.telemetry.context.propagation import XRAY_HEADER
from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.current_context import current_context, enter_context
from flask_onetrace.telemetry.observed_apps import current_telemetry
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.tracer_provider import tracer_provider
from flask_onetrace.telemetry.xray_sdk.subsegments import segment_of

_UNNAMED = "service"
_tracer = tracer_provider.get_tracer("flask_onetrace.telemetry.xray_context")


def begin_segment(
    name: str | None = None, traceid: str | None = None, parent_id: str | None = None, sampling: object = None
) -> Any:  # noqa: ANN401 - the SDK publishes no types
    """Begin a segment: replaces the recorder's method, which requires a name.

    Within a request or a job, and without an app, it is the SDK's own, which is sent nowhere.
    """
    name = name or xray_recorder.service or _UNNAMED
    if current_scope() is not None or current_telemetry() is None or not global_sdk_config.sdk_enabled():
        return AWSXRayRecorder.begin_segment(xray_recorder, name, traceid, parent_id, sampling)
    stack = ExitStack()
    if traceid is not None and parent_id is not None:
        sampled = "0" if sampling == 0 else "1"
        header = {XRAY_HEADER: f"Root={traceid};Parent={parent_id};Sampled={sampled}"}
        stack.callback(detach, enter_context(message_context(header, current_context())))
    stack.enter_context(_tracer.start_as_current_span(name))
    scope = current_scope()
    assert scope is not None  # noqa: S101 - that of the span
    segment = segment_of(scope)
    segment.open_job = stack
    return segment


def end_segment(end_time: float | None = None) -> None:  # noqa: ARG001 - the SDK's signature
    """End the segment that `begin_segment` began outside any request: replaces the recorder's method.

    That of a request ends with it.
    """
    scope = current_scope()
    segment = segment_of(scope) if scope is not None else None
    open_job: ExitStack | None = vars(segment).pop("open_job", None) if segment is not None else None
    if scope is None or open_job is None:
        return
    if vars(segment).get("fault") and isinstance(scope.span, LightSpan):
        scope.span.set_status(trace.StatusCode.ERROR)
    open_job.close()
