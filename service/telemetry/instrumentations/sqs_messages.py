"""Send the trace with each SQS message, as the system attribute `AWSTraceHeader`, whichever way it is sent.

SQS sets the attribute from the HTTP header of a request, if that has one ("Amazon SQS and AWS X-Ray", X-Ray Developer
Guide). A message's own attribute works where a proxy removes the header, and in emulators too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from service.telemetry.context.propagation import XRAY_HEADER, TraceContextPropagator

_ATTRIBUTE: Final = "AWSTraceHeader"
_ATTRIBUTES: Final = "MessageSystemAttributes"
_propagator: Final = TraceContextPropagator()


def add_trace_header(_: object, service: str, operation: str, parameters: Any) -> None:  # noqa: ANN401 - what the application gave botocore
    """Add the current trace to the messages of a call; a hook of botocore's instrumentation, within the call's span."""
    if service != "sqs" or type(parameters) is not dict:
        return
    if operation == "SendMessage":
        parameters.update(_with_header(parameters))
    elif operation == "SendMessageBatch" and isinstance(entries := parameters.get("Entries"), list | tuple):
        # Copies: the application may send its own again.
        parameters["Entries"] = [
            {**each, **_with_header(each)} if isinstance(each, Mapping) else each for each in entries
        ]


def _with_header(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the system attributes of `message` with the trace's; nothing if it has one or is malformed."""
    attributes = message.get(_ATTRIBUTES, {})
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    if not isinstance(attributes, Mapping) or _ATTRIBUTE in attributes or XRAY_HEADER not in headers:
        return {}
    own = {"StringValue": headers[XRAY_HEADER], "DataType": "String"}
    return {_ATTRIBUTES: {**attributes, _ATTRIBUTE: own}}
