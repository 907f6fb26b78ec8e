"""Every exported document carries the version of the service that produced it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import pytest

from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id, segment_of

VERSION = "2026.11.24-7"


def first_of_each(fetch: Callable[[str], list[Document]], *ids: str) -> list[Document]:
    return [eventually(partial(fetch, each), 1)[0] for each in ids]


def test_every_span_segment_line_and_item_carries_the_version(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "SERVICE_VERSION": VERSION, "FAULT_ROUTES": "true"})
    ids = get_trace_id(app, "/api/fault", 500), get_trace_id(app, "/rollbar/test")
    logging.getLogger("somebody.elses.library").warning("between requests")
    assert [span["resource"]["service.version"] for span in first_of_each(backends.spans, *ids)] == [VERSION, VERSION]
    assert [segment_of(backends, each)["service"]["version"] for each in ids] == [VERSION, VERSION]
    assert [line["version"] for line in first_of_each(backends.lines_of, *ids, "-")] == [VERSION, VERSION, VERSION]
    assert [item["code_version"] for item in first_of_each(backends.items, *ids)] == [VERSION, VERSION]


@pytest.mark.parametrize("rate", [1, 0])
def test_an_access_line_records_the_sampling_decision(rate: int, make_app: AppFactory, backends: FakeBackends) -> None:
    rule = f'{{"RuleName":"tests","FixedRate":{rate},"ReservoirSize":0}}'
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule})
    trace_id = get_trace_id(app, "/api/activities/home")
    [line] = eventually(partial(backends.lines_of, trace_id), 1)
    assert line["sampled"] == rate
