"""The metric filter of the sampled share matches the access lines that the service writes."""

from __future__ import annotations

from functools import partial

import pytest
from flask import request

from flask_onetrace.contract import SAMPLED_METRIC
from tests.infra.assembly import Assembly
from tests.infra.metric_filters import metric_values
from tests.sample import CRUDDUR
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory, backends, make_app
from tests.telemetry.segments import get_trace_id

__all__ = ["backends", "make_app"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def shares(assembly: Assembly, lines: list[Document]) -> list[float]:
    return metric_values(assembly, SAMPLED_METRIC, lines)


@pytest.mark.parametrize("rate", [1, 0])
def test_a_request_counts_if_it_has_a_trace_and_a_health_check_does_not(
    rate: int, dev: Assembly, make_app: AppFactory, backends: FakeBackends
) -> None:
    rule = f'{{"RuleName":"tests","FixedRate":{rate},"ReservoirSize":0}}'
    app = make_app({**backends.environment, "FAULT_ROUTES": "true", "XRAY_SAMPLING_RULE": rule})
    # One that fails: a successful one has no line.
    app.before_request(lambda: ("", 503) if request.path == CRUDDUR.health_check_path else None)
    home, fault = get_trace_id(app, "/api/activities/home"), get_trace_id(app, "/api/fault", 500)
    check = get_trace_id(app, CRUDDUR.health_check_path, 503)

    of_home = eventually(partial(backends.lines_of, home), 1)
    of_fault = eventually(partial(backends.lines_of, fault), 2)
    of_check = eventually(partial(backends.lines_of, check), 1)

    assert (shares(dev, of_home), shares(dev, of_fault)) == ([rate], [1])
    assert [line["path"] for line in of_check] == [CRUDDUR.health_check_path]
    assert shares(dev, of_check) == []
