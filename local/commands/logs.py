"""Follow the output of the processes and the service's log group in the emulated CloudWatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Final

from local.backing_services.running import START, NotRunningError
from local.logs.filtering import RequestFilter
from local.logs.lines import Line, in_order, parse
from local.logs.rendering import Renderer
from local.logs.sources import Sources
from local.workspace.lock import holder
from local.workspace.session import Session
from local.workspace.state import State
from operations.traces.filters import parse_filter

POLL_SECONDS: Final = 0.5


def logs(session: Session, *, follow: bool, as_json: bool = False, terms: str = "") -> None:
    """Print all lines so far and, with `follow`, those that come, until Ctrl-C.

    `as_json` prints the application's lines as they are, and those of no other process. `terms` is a filter
    (docs/traces.md): then the lines of the requests that match it. Raises `NotRunningError` after the last lines if
    nothing is running, or no longer.
    """
    requests = RequestFilter(parse_filter(terms)) if terms.strip() else None
    sources, show = Sources(session), _printer(session, as_json=as_json)
    followed = False
    while True:
        entries, end = sources.of_files(), None
        try:
            entries += sources.of_groups()
        except NotRunningError as error:
            end = error
        last = end is not None or not follow
        for line in _chosen(in_order([parse(each) for each in entries]), requests, last=last):
            show(line)
        if end is not None and (not follow or holder(session.folders.lock_file) is None):
            raise _explained(session, end, followed=followed, printed=bool(entries))
        if not follow:
            return
        time.sleep(POLL_SECONDS)
        if not session.report.is_read():
            raise BrokenPipeError
        followed = True
        session.state = State.load(session.folders.state_file)


def _chosen(lines: list[Line], requests: RequestFilter | None, *, last: bool) -> Iterable[Line]:
    if requests is None:
        return lines
    passed = chain.from_iterable(requests.passed(line) for line in lines)
    return chain(passed, requests.overdue(0.0) if last else requests.overdue())


def _printer(session: Session, *, as_json: bool) -> Callable[[Line], None]:
    if not as_json:
        return Renderer(session.report.console()).print

    def print_json(line: Line) -> None:
        if line.fields and line.entry.source is None:
            session.report.line(line.entry.text)

    return print_json


def _explained(session: Session, error: NotRunningError, *, followed: bool, printed: bool) -> NotRunningError:
    if session.state.processes:
        return error
    if followed:
        return NotRunningError("The local deployment is no longer running", "Start it again with make up")
    if printed:
        return NotRunningError("Nothing is running; these are the logs of the last run", START)
    return error
