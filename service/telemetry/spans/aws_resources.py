"""Set on the span of an AWS call what the botocore instrumentation leaves out, by its hooks.

`BotocoreInstrumentor().instrument(request_hook=request_hook, response_hook=response_hook)`. The attributes are those of
"AWS S3 Semantic Conventions" (OpenTelemetry). The key of an object, which often names a person, is not among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span

_S3 = "s3"


def request_hook(span: Span, service: str, operation: str, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001 - the hook's signature
    """Set the bucket of a call of S3."""
    if service == _S3 and isinstance(bucket := parameters.get("Bucket"), str):
        span.set_attribute("aws.s3.bucket", bucket)


def response_hook(span: Span, service: str, operation: str, result: Mapping[str, Any] | None) -> None:  # noqa: ARG001 - as above
    """Set S3's second request id, for which AWS's support asks."""
    if service == _S3 and result is not None:
        headers = result.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if request_id := headers.get("x-amz-id-2"):
            span.set_attribute("aws.extended_request_id", request_id)
