"""Collect the fields, attributes and texts that filters match, by trace, from the items of each place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Any, Final

from operations.traces import summary
from operations.traces.document import Json, Place, Request
from operations.traces.filters import Entry

MAX_NAMES: Final = 200
"""Attributes of one trace."""
MAX_VALUES: Final = 20
"""Values of one attribute in one trace."""
MAX_VALUE: Final = 200
"""Characters of a value."""
MAX_TEXT: Final = 1_000
"""Characters of a trace's text."""
_LEFT_OUT: Final = frozenset(
    (
        *("timestamp", "trace_id", "span_id", "xray_trace_id", "message", "method", "route", "path", "status"),
        *("user_id", "duration_ms", "exception", "sampled"),
    )
)
"""The fields of a line that are those of the request, or no attributes."""


@dataclass(slots=True)
class Collected:
    """What the places have of one trace so far."""

    trace_id: str
    fields: dict[Place, Json] = field(default_factory=dict)
    attributes: dict[str, list[Any]] = field(default_factory=dict)
    texts: dict[str, None] = field(default_factory=dict)
    rank: int = -1
    """How likely the span in `fields` is that of the request."""
    _entry: Entry | None = None

    def add_line(self, line: Json) -> None:
        """Add an access line: the one of the request took the longest; all have attributes of the same trace."""
        self._add(Place.CLOUDWATCH, summary.of_line(line), keep=not self.lacks_line(line))
        fields = summary.object_in(line, "fields")
        self._add_attributes({name: value for name, value in fields.items() if name not in _LEFT_OUT})

    def lacks_line(self, line: Json) -> bool:
        """Return whether no line, or only that of a request within this one, has been added."""
        earlier = self.fields.get(Place.CLOUDWATCH)
        duration: float = summary.of_line(line).get("duration_ms") or 0.0
        return earlier is None or (earlier.get("duration_ms") or 0.0) < duration

    def add_span(self, span: Json) -> None:
        """Add a span: its attributes, and its fields where it is the request's."""
        rank = 2 if span.get("kind") == "server" else int(not span.get("parent_span_id"))
        fields = summary.of_span(span)
        self._add(Place.HONEYCOMB, fields, keep=rank <= self.rank)
        self.rank = max(self.rank, rank)
        self._add_attributes(summary.object_in(span, "attributes"))
        self._add_attributes(summary.object_in(span, "resource"))
        self.add_text(span.get("name"))
        self.add_text(fields.get("exception"))

    def add_summary(self, trace: Json) -> None:
        """Add a trace summary of X-Ray: its annotations are attributes."""
        self._add(Place.XRAY, summary.of_summary(trace))
        for name, values in summary.object_in(trace, "Annotations").items():
            for each in values if isinstance(values, list) else ():
                value = summary.object_in(each, "AnnotationValue") if isinstance(each, dict) else {}
                self._add_attributes({name: next(iter(value.values()), None)})

    def add_item(self, item: Json) -> None:
        """Add a Rollbar item."""
        self._add(Place.ROLLBAR, summary.of_item(item), keep=Place.ROLLBAR in self.fields)
        self.add_text(summary.title(item))

    def entry(self) -> Entry:
        """Return the entry of the trace; the same one until something is added."""
        if self._entry is None:
            request = summary.merged(self.trace_id, self.fields) or Request(trace_id=self.trace_id, started=0.0)
            self._entry = Entry(request, self.attributes, text_of(request, self.texts))
        return self._entry

    def _add(self, place: Place, fields: Json, *, keep: bool = False) -> None:
        if not keep:
            self.fields[place] = fields
        self._entry = None

    def _add_attributes(self, attributes: Mapping[str, Any]) -> None:
        for name, value in attributes.items():
            if value is None or isinstance(value, dict):
                continue
            if name not in self.attributes and len(self.attributes) >= MAX_NAMES:
                continue
            values = self.attributes.setdefault(intern(str(name)[:MAX_VALUE]), [])
            for each in value if isinstance(value, list) else (value,):
                bounded = each if isinstance(each, int | float) else intern(str(each)[:MAX_VALUE])
                if len(values) < MAX_VALUES and bounded not in values:
                    values.append(bounded)

    def add_text(self, text: Any) -> None:  # noqa: ANN401 - as received
        """Add what free text is looked for in."""
        if isinstance(text, str) and text and len(self.texts) < MAX_VALUES:
            self.texts[text[:MAX_VALUE]] = None


def text_of(request: Request, texts: Iterable[str] = ()) -> str:
    """Return what free text is looked for in, in lower case: ids, method, path, route, user, exception and names."""
    parts = (request.trace_id, request.method, request.path, request.route, request.user, request.exception, *texts)
    return "\n".join(filter(None, parts))[:MAX_TEXT].lower()


def entry_of_lines(trace_id: str, lines: Sequence[Json]) -> Entry:
    """Return the entry of a request's log lines, as `PlaceContent` describes them."""
    collected = Collected(trace_id)
    access_line = summary.access_line(lines)
    for line in lines if access_line is None else [access_line, *lines]:  # which has the request's fields
        collected.add_line(line)
        fields = summary.object_in(line, "fields")
        collected.add_text(fields.get("message", line.get("message")))
        collected.add_text(str(fields.get("exception", "")).rstrip().rpartition("\n")[2])
    return collected.entry()
