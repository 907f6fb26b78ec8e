"""Whatever leaves the process says which version of the service made it, so that a deploy can be asked about."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import pytest

from tests.telemetry.backends import Document, Observatory, eventually
from tests.telemetry.conftest import AppMaker
from tests.telemetry.segments import ask, segment_of

VERSION = "2026.11.24-7"


def each_first(look: Callable[[str], list[Document]], *ids: str) -> list[Document]:
    return [eventually(partial(look, each), 1)[0] for each in ids]


def test_every_span_segment_line_and_item_carries_the_version(make_app: AppMaker, observatory: Observatory) -> None:
    app = make_app({**observatory.environment, "SERVICE_VERSION": VERSION, "FAULT_ROUTES": "true"})
    ids = ask(app, "/api/fault", 500), ask(app, "/rollbar/test")
    logging.getLogger("somebody.elses.library").warning("between requests")
    assert [span["resource"]["service.version"] for span in each_first(observatory.spans, *ids)] == [VERSION, VERSION]
    assert [segment_of(observatory, each)["service"]["version"] for each in ids] == [VERSION, VERSION]
    assert [line["version"] for line in each_first(observatory.lines_of, *ids, "-")] == [VERSION, VERSION, VERSION]
    assert [item["code_version"] for item in each_first(observatory.items, *ids)] == [VERSION, VERSION]


@pytest.mark.parametrize("rate", [1, 0])
def test_an_access_line_says_whether_the_rule_kept_its_request(
    rate: int, make_app: AppMaker, observatory: Observatory
) -> None:
    rule = f'{{"RuleName":"tests","FixedRate":{rate},"ReservoirSize":0}}'
    app = make_app({**observatory.environment, "XRAY_SAMPLING_RULE": rule})
    trace_id = ask(app, "/api/health-check")
    [line] = eventually(partial(observatory.lines_of, trace_id), 1)
    assert line["sampled"] == rate
