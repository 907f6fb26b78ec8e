"""The metric filters of busy threads match the line that a worker writes, and no other."""

from __future__ import annotations

import logging
import time

import pytest

from flask_onetrace.contract import QUEUE_SECONDS_METRIC, REQUESTS_WAITING_METRIC, THREADS_BUSY_METRIC, THREADS_LOGGER
from flask_onetrace.server.thread_usage import ThreadUsage
from tests.infra.assembly import Assembly
from tests.infra.metric_filters import metric_filter, metric_values
from tests.sample import names_of
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory, backends, make_app

__all__ = ["backends", "make_app"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

METRICS = (THREADS_BUSY_METRIC, REQUESTS_WAITING_METRIC, QUEUE_SECONDS_METRIC)


def test_each_metric_has_the_value_of_the_workers_line(
    dev: Assembly, make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment, "LOG_CONSOLE": "false"})
    usage = ThreadUsage(8, set(range(10)))
    for request in (8, 9):
        usage.enqueue(request)
    time.sleep(0.2)
    with app.app_context():
        usage.report()
    [line] = eventually(lambda: backends.lines_outside_requests(THREADS_LOGGER), 1)
    assert line["level"] == "WARNING"
    busy, waiting, seconds = (metric_values(dev, name, [line]) for name in METRICS)
    assert (busy, waiting) == ([8], [2])
    assert 0.2 <= seconds[0] < 10


def test_fields_of_those_names_in_other_lines_are_not_measured(
    dev: Assembly, make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment, "LOG_CONSOLE": "false"})
    with app.app_context():
        logging.getLogger("shop").warning("looms", extra={"threads_busy": 99, "logger": THREADS_LOGGER})
    [line] = eventually(lambda: backends.lines_outside_requests("shop"), 1)
    assert line["threads_busy"] == 99
    assert [metric_values(dev, name, [line]) for name in METRICS] == [[], [], []]


@pytest.mark.parametrize(("name", "unit"), [*zip(METRICS, ("Count", "Count", "Seconds"), strict=True)])
def test_the_metrics_have_units_and_stand_beside_the_other_ones(name: str, unit: str, assembly: Assembly) -> None:
    [transformation] = metric_filter(assembly, name)["MetricTransformations"]
    assert transformation["Unit"] == unit
    assert transformation["MetricNamespace"] == names_of(assembly.environment).metrics_namespace
    assert "DefaultValue" not in transformation  # without scarce threads they cost nothing
