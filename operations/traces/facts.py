"""List what X-Ray and Rollbar have of a trace that its spans do not show, as labels and values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from operations.traces.document import Json, Place, Trace
from operations.traces.summary import object_in
from operations.traces.xray_export import object_list, walk

_FRAMES: Final = 4
_LIBRARY: Final = re.compile(r"/(site|dist)-packages/|/lib/python3")
"""In the path of a file that is not the application's; the console folds the same (rollbar-pane.tsx)."""
_FLAGS: Final = ("fault", "error", "throttle", "in_progress")
_BLOCKS: Final = ("sql", "aws", "http", "metadata")
_OWN: Final = ("xray", "ecs", "cloudwatch_logs")
"""The members of a segment's `aws` block that are the same in all segments of a task."""
_MAX_VALUE: Final = 500
Rows = list[tuple[str, str]]


def of_request(trace: Trace) -> list[str]:
    """Return what the header says of a request: user, version, sampling."""
    request = trace.request
    if request is None:
        return []
    versions = [
        *(object_in(span, "resource").get("service.version") for span in trace.places[Place.HONEYCOMB].items),
        *(object_in(document, "service").get("version") for document in trace.places[Place.XRAY].items),
        *(object_in(line, "fields").get("version") for line in trace.places[Place.CLOUDWATCH].items),
    ]
    version = next((str(each) for each in versions if each), None)
    sampled = {None: None, True: "sampled", False: "not sampled"}[request.sampled]
    if request.sampled and request.sample_rate and request.sample_rate > 1:
        sampled = f"sampled, stands for {request.sample_rate:g} requests"
    return [
        *([f"route {request.route}"] if request.route and request.route != request.path else []),
        *([f"user {request.user}"] if request.user else []),
        *([f"version {version}"] if version else []),
        *([sampled] if sampled else []),
    ]


def count_segments(documents: Sequence[Json]) -> str:
    """Return `1 segment, 2 subsegments`."""
    nodes = sum(1 for document in documents for _ in walk(document))
    inner = nodes - len(documents)
    segments = f"{len(documents)} segment{'' if len(documents) == 1 else 's'}"
    return segments + (f", {inner} subsegment{'' if inner == 1 else 's'}" if inner else "")


def of_segments(documents: Sequence[Json]) -> Iterator[tuple[int, Json, Rows]]:
    """Yield each segment and subsegment, parents first, with its depth and what it has beside times."""
    pending = [(document, 0) for document in documents][::-1]
    while pending:
        node, depth = pending.pop()
        yield min(depth, 8), node, _of_segment(node)
        pending += [(each, depth + 1) for each in object_list(node, "subsegments")[::-1] if isinstance(each, dict)]


def status_of(node: Json) -> int | None:
    """Return the status of a segment's response, None where it has none."""
    status = object_in(object_in(node, "http"), "response").get("status")
    return status if isinstance(status, int) else None


def flags(node: Json) -> list[str]:
    """Return the flags that a segment has."""
    return [each for each in _FLAGS if node.get(each) is True]


def of_item(item: Json) -> Rows:
    """Return what an item has: its last frames, the last first, with the locals of that one, person and ids.

    Of the frames of libraries only one that raised is shown.
    """
    body = object_in(item, "body")
    chain = object_list(body, "trace_chain")
    first = chain[0] if chain and isinstance(chain[0], dict) else {}
    frames = [each for each in object_list(object_in(body, "trace") or first, "frames") if isinstance(each, dict)]
    newest = frames[::-1]
    own = newest[:1] + [each for each in newest[1:] if not _LIBRARY.search(str(each.get("filename")))]
    rows = [("at", _frame(each)) for each in own[:_FRAMES]]
    if frames and object_in(frames[-1], "locals"):
        rows.append(("locals", value_text(frames[-1]["locals"])))
    person = object_in(item, "person")
    named = {"level": item.get("level"), "person": person.get("id"), "uuid": item.get("uuid")}
    return rows + [(name, value_text(value)) for name, value in named.items() if value]


def _of_segment(node: Json) -> Rows:
    rows = [(f"@{name}", value_text(value)) for name, value in object_in(node, "annotations").items()]
    for name in _BLOCKS:
        block = object_in(node, name)
        if name == "aws":
            block = {key: value for key, value in block.items() if key not in _OWN}
        if name == "http":
            block = object_in(block, "request") if node.get("namespace") == "remote" else {}
        if block:
            rows.append((name, value_text(block)))
    for each in object_list(object_in(node, "cause"), "exceptions"):
        if isinstance(each, dict):
            rows.append(("cause", f"{each.get('type', 'exception')}: {each.get('message', '')}"))
            stack = [frame for frame in object_list(each, "stack") if isinstance(frame, dict)]
            rows += [
                ("at", f"{_path(frame.get('path'))}:{frame.get('line')} in {frame.get('label')}") for frame in stack[:1]
            ]
    return rows


def _frame(frame: Json) -> str:
    code = f": {frame['code']}" if frame.get("code") else ""
    return f"{_path(frame.get('filename'))}:{frame.get('lineno')} in {frame.get('method')}{code}"


def _path(path: Any) -> str:  # noqa: ANN401 - as received
    """Return the path of a file, that of a package within its folder of packages."""
    return str(path).rpartition("/site-packages/")[2]


def value_text(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return a value in one line: a flat object as `name=value  name=value`."""
    if isinstance(value, dict) and all(not isinstance(each, dict | list) for each in value.values()):
        text = "  ".join(f"{name}={each}" for name, each in value.items())
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:_MAX_VALUE]
