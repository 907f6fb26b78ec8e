"""Derive what trace summaries and filter expressions use from the segments of a trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.emulator.json_api import Json
from local.emulator.xray.segment_documents import walk


@dataclass(frozen=True, slots=True)
class TraceView:
    """The segments of a trace, or of one service in it."""

    trace_id: str
    segments: tuple[Json, ...]

    @property
    def root(self) -> Json:
        """Return the segment without a parent, else the earliest."""
        roots = [segment for segment in self.segments if not segment.get("parent_id")]
        return min(roots or self.segments, key=lambda segment: float(segment["start_time"]))

    @property
    def start(self) -> float:
        """Return the earliest start time, in epoch seconds."""
        return min(float(segment["start_time"]) for segment in self.segments)

    @property
    def duration(self) -> float:
        """Return the seconds from the earliest start to the latest end time."""
        ends = [float(segment["end_time"]) for segment in self.segments if segment.get("end_time") is not None]
        return max(0.0, max(ends) - self.start) if ends else 0.0

    @property
    def response_time(self) -> float:
        """Return the duration of the root segment in seconds; 0 while it is in progress."""
        root = self.root
        return max(0.0, float(root.get("end_time") or root["start_time"]) - float(root["start_time"]))

    @property
    def partial(self) -> bool:
        """Return whether a segment is in progress."""
        return any(segment.get("in_progress") is True for segment in self.segments)

    def flag(self, name: str) -> bool:
        """Return whether the root segment is flagged as `fault`, `error` or `throttle`."""
        return self.root.get(name) is True

    def http(self, side: str, name: str) -> Any:  # noqa: ANN401 - a JSON value of any kind
        """Return a field of the root segment's `request` or `response`, or None."""
        http = self.root.get("http")
        part = http.get(side) if isinstance(http, dict) else None
        return part.get(name) if isinstance(part, dict) else None

    def nodes(self) -> Iterator[tuple[Json, Json]]:
        """Yield each segment and subsegment, with its segment."""
        for segment in self.segments:
            for node in walk(segment):
                yield segment, node

    def annotations(self) -> Iterator[tuple[str, Any, Json]]:
        """Yield each annotation's key and value, and its segment."""
        for segment, node in self.nodes():
            annotations = node.get("annotations")
            if isinstance(annotations, dict):
                for key, value in annotations.items():
                    yield key, value, segment

    def users(self) -> Iterator[tuple[str, Json]]:
        """Yield each user, and its segment."""
        for segment in self.segments:
            if isinstance(segment.get("user"), str):
                yield segment["user"], segment
