"""Keep the X-Ray SDK's segment and subsegments of one request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.telemetry.context.request_scope import RequestScope


class SdkState:
    """The SDK's segment and subsegments of one request. The SDK publishes no types."""

    segment: Any = None
    """The segment, created at first use."""
    placeholder: Any = None
    """The one subsegment of a request that is not recorded."""
    placeholder_depth = 0
    """How many times it is open."""

    def __init__(self) -> None:
        self.subsegments: dict[int, Any] = {}
        """By span id, to be merged into the segment document. `open_span` is None on those that have ended."""

    def before_end(self, scope: RequestScope) -> None:  # noqa: ARG002 - the shape of all extras
        """End the subsegments that this thread left open; other threads may still use theirs."""
        for each in reversed(list(self.subsegments.values())):
            if each.in_progress and each.open_span.thread == threading.get_ident():
                from service.telemetry.xray_sdk.context import end_entity  # noqa: PLC0415 - imports the SDK, rarely needed

                end_entity(each)

    def release(self) -> None:
        """Drop the segment and the subsegments that have ended: they refer to the scope.

        Such a cycle would keep the request's spans until the garbage collector runs. Open subsegments stay.
        """
        self.segment = self.placeholder = None
        for span_id in [span_id for span_id, each in list(self.subsegments.items()) if each.open_span is None]:
            del self.subsegments[span_id]
