"""Print one trace, or the newest requests: the same commands for the local deployment and for an environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console
from rich.text import Text

from operations.deploy.plain_text import one_line
from operations.errors import OperatorError
from operations.traces.attributes import unknown_terms
from operations.traces.deployment import Deployment
from operations.traces.document import Place, Reason, Request, Trace
from operations.traces.errors import ReadError
from operations.traces.export import exported
from operations.traces.filters import parse_filter
from operations.traces.find import find_trace
from operations.traces.imports import MAX_BYTES, imported
from operations.traces.index import PERIOD, RequestIndex
from operations.traces.options import MAX_LIMIT, List, Show
from operations.traces.tree import PIPE_WIDTH, duration, print_trace, status_style

LETTERS: Final = {Place.HONEYCOMB: "H", Place.XRAY: "X", Place.CLOUDWATCH: "C", Place.ROLLBAR: "R"}
_PERIODS: Final = (300.0, PERIOD)
"""Seconds in which requests are looked for, until there are enough."""
_DURATION: Final = 8
_MIN_PATH: Final = 14
Connect = Callable[[], Deployment]


def show(show: Show, connect: Connect, out: TextIO) -> int:
    """Print the trace, and return the exit status: 1 where no place has anything of it. Raises `OperatorError`."""
    if bool(show.trace_id) == bool(show.file):
        given = "ID and FILE are both given" if show.file else "ID is empty"
        raise OperatorError(given, "Pass ID=<trace id>, as make traces prints them, or FILE=trace.json")
    traces = _of_file(Path(show.file)) if show.file else [find_trace(connect(), show.trace_id)]
    if show.export or show.json:
        documents = [exported(each, show.export) if show.export else each.as_json() for each in traces]
        _write_json(out, documents[0] if len(documents) == 1 else documents)
    else:
        console = console_on(out)
        for index, trace in enumerate(traces):
            if index:
                console.print()
            if trace.request is not None or _reasons(trace) != {Reason.UNKNOWN_TRACE}:
                print_trace(console, trace)
    for trace in traces:
        if trace.request is None:
            absence = next(each.absence for each in trace.places.values() if each.absence is not None)
            raise OperatorError(f"No place has anything of trace {trace.trace_id}", absence.remedy or absence.message)
    return 0


def list_requests(options: List, connect: Connect, out: TextIO, err: TextIO) -> int:
    """Print the requests, and what could not be read to `err`. Raises `OperatorError` where no place can be read."""
    if not 1 <= options.limit <= MAX_LIMIT:
        raise OperatorError(f"LIMIT is {options.limit}", f"Use 1 to {MAX_LIMIT}")
    terms = parse_filter(options.filter)
    deployment = connect()
    for period in _PERIODS:
        index = RequestIndex(deployment, period=period)
        index.refresh()
        found = index.find(terms)
        requests, left_out = found.after(options.before or None, options.limit), found.left_out
        if len(requests) >= options.limit:
            break
    errors = index.errors
    if len(errors) == len(Place):
        raise next(iter(errors.values()))
    if options.json:
        _write_json(out, [each.as_json() for each in requests])
    else:
        _print_table(console_on(out), requests, is_filtered=bool(terms.terms))
    for each in () if requests else unknown_terms(terms, index.attributes()):
        nearest = f"; did you mean {each.nearest}?" if each.nearest else ""
        err.write(f"note: no request has the attribute {one_line(each.key)}{nearest}\n")
    if left_out:
        err.write(f"note: {left_out} health checks and static files left out: show:all lists them\n")
    for place, reason in _unread(deployment, errors).items():
        err.write(f"note: {place.label} is not among the places: {reason}\n")
    return 0


def console_on(out: TextIO) -> Console:
    """Return a console on a stream: in colour where that is a terminal, unless `NO_COLOR` is set."""
    width = None if out.isatty() else PIPE_WIDTH
    return Console(file=out, width=width, markup=False, highlight=False, emoji=False)


def _of_file(path: Path) -> list[Trace]:
    name = f"FILE={path}"
    try:
        with path.open("rb") as file:
            return imported(file.read(MAX_BYTES + 1), name)
    except OSError as error:
        raise OperatorError(f"{name} cannot be read ({error.strerror})", "Pass the path of a JSON file") from error


def _reasons(trace: Trace) -> set[Reason]:
    return {each.absence.reason for each in trace.places.values() if each.absence is not None}


def _unread(deployment: Deployment, errors: Mapping[Place, ReadError]) -> dict[Place, str]:
    unread = {place: error.problem for place, error in errors.items()}
    if deployment.honeycomb is None:
        unread[Place.HONEYCOMB] = "set HONEYCOMB_CONFIGURATION_KEY to read it"
    if deployment.rollbar is None:
        unread[Place.ROLLBAR] = "set ROLLBAR_READ_TOKEN to read it"
    return unread


def _write_json(out: TextIO, document: Any) -> None:  # noqa: ANN401 - any JSON
    # Escaped, so that every terminal and encoding can show it.
    json.dump(document, out, indent=2)
    out.write("\n")


def _print_table(console: Console, requests: Sequence[Request], *, is_filtered: bool) -> None:
    if not requests:
        console.print("No request matches." if is_filtered else "No request has arrived yet.")
        return
    users = max((len(each.user or "") for each in requests), default=0)
    user_width = min(users, 16)
    methods = max(len(each.method or "") for each in requests)
    fixed = 9 + methods + 1 + 4 + _DURATION + 1 + (user_width + 1 if user_width else 0) + len(Place) + 1 + 32
    path_width = max(console.width - fixed - 1, _MIN_PATH)
    longest = max((len(each.path or each.route or "") for each in requests), default=0)
    path_width = min(path_width, max(longest, 4))
    for each in requests:
        console.print(_row(each, methods, path_width, user_width), soft_wrap=True, highlight=False)
    console.print()
    legend = "  ".join(f"{letter} {place.label}" for place, letter in LETTERS.items())
    console.print(Text(f"{legend}.  make trace ID=… shows one.", style="dim"), soft_wrap=True)


def _row(request: Request, methods: int, path_width: int, user_width: int) -> Text:
    started = datetime.fromtimestamp(request.started).astimezone()
    failed = request.status is not None and request.status >= 500  # noqa: PLR2004 - a server error
    path = Text(one_line(request.path or request.route or "-"), style="red" if failed else "")
    path.truncate(path_width, overflow="ellipsis")
    path.pad_right(path_width - path.cell_len)
    row = Text.assemble(
        (f"{started:%H:%M:%S} ", "dim"),
        f"{one_line(request.method or '-'):{methods}} ",
        path,
        " ",
        (f"{request.status or '-'!s:>3} ", status_style(request.status or 0)),
        f"{'-' if request.duration_ms is None else duration(request.duration_ms):>{_DURATION}} ",
    )
    if user_width:
        user = Text(one_line(request.user or ""))
        user.truncate(user_width, overflow="ellipsis")
        user.pad_right(user_width - user.cell_len)
        row.append_text(user).append(" ")
    letters = "".join(letter if place in request.places else "-" for place, letter in LETTERS.items())
    row.append(f"{letters} ", style="dim").append(request.trace_id)
    return row
