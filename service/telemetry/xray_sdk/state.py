"""Hold what the X-Ray SDK has made for one request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.telemetry.context.request_scope import RequestScope


class SdkState:
    """The SDK's segment and subsegments of one request. The SDK publishes no types."""

    segment: Any = None
    """The segment, made when code asks for it."""
    placeholder: Any = None
    """Stands for every subsegment where nothing is recorded."""
    placeholder_depth = 0
    """How many such subsegments are open."""

    def __init__(self) -> None:
        self.subsegments: dict[int, Any] = {}
        """By span id: what they hold is merged into the segment document. `opened` is None on those that have ended."""

    def before_end(self, scope: RequestScope) -> None:  # noqa: ARG002 - the shape of all extras
        """End the subsegments that this thread left open; other threads may still be at work."""
        for each in reversed(list(self.subsegments.values())):
            if each.in_progress and each.opened.thread == threading.get_ident():
                from service.telemetry.xray_sdk.context import end_entity  # noqa: PLC0415 - imports the SDK, rarely needed

                end_entity(each)

    def release(self) -> None:
        """Drop what has ended: the SDK's entities refer back to the scope.

        Such a cycle would keep the request's spans until the garbage collector runs. What is still open stays.
        """
        self.segment = self.placeholder = None
        for span_id in [span_id for span_id, each in list(self.subsegments.items()) if each.opened is None]:
            del self.subsegments[span_id]
