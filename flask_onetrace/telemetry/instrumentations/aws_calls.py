"""Add to AWS calls what botocore's instrumentation leaves out: resources, and the trace of each SQS message.

The attributes are those of "AWS S3 Semantic Conventions" (OpenTelemetry). The key of an object, which often names a
person, is not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.telemetry.context.propagation import XRAY_HEADER, TraceContextPropagator

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_S3: Final = "s3"
_SQS: Final = "sqs"
_TRACE_ATTRIBUTE: Final = "AWSTraceHeader"
"""SQS sets it from the X-Ray header of `SendMessage`, if there is one ("Amazon SQS and AWS X-Ray", X-Ray Developer
Guide).
A message's own attribute works where a proxy removes the header, and in emulators too."""
_SYSTEM_ATTRIBUTES: Final = "MessageSystemAttributes"
_propagator: Final = TraceContextPropagator()


def request_hook(span: Span, service: str, operation: str, parameters: Any) -> None:  # noqa: ANN401 - what the application gave botocore
    """Set the bucket of a call of S3; send the trace with the messages of a call of SQS. Called within the span."""
    if type(parameters) is not dict:
        return
    if service == _S3 and isinstance(bucket := parameters.get("Bucket"), str):
        span.set_attribute("aws.s3.bucket", bucket)
    elif service == _SQS and operation == "SendMessage":
        parameters.update(_trace_of_message(parameters))
    elif service == _SQS and operation == "SendMessageBatch" and isinstance(parameters.get("Entries"), list | tuple):
        # Copies: the application may send its own again.
        parameters["Entries"] = [
            {**each, **_trace_of_message(each)} if isinstance(each, Mapping) else each for each in parameters["Entries"]
        ]


def response_hook(span: Span, service: str, operation: str, result: Mapping[str, Any] | None) -> None:  # noqa: ARG001 - the hook's signature
    """Set S3's second request id, for which AWS's support asks."""
    if service == _S3 and result is not None:
        headers = result.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if request_id := headers.get("x-amz-id-2"):
            span.set_attribute("aws.extended_request_id", request_id)


def _trace_of_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return `MessageSystemAttributes` with `AWSTraceHeader` added; empty if `message` has one or is malformed."""
    attributes = message.get(_SYSTEM_ATTRIBUTES, {})
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    if not isinstance(attributes, Mapping) or _TRACE_ATTRIBUTE in attributes or XRAY_HEADER not in headers:
        return {}
    own = {"StringValue": headers[XRAY_HEADER], "DataType": "String"}
    return {_SYSTEM_ATTRIBUTES: {**attributes, _TRACE_ATTRIBUTE: own}}
