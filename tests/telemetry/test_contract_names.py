"""The telemetry writes the names that the infrastructure's metrics and groups read."""

from __future__ import annotations

from bench.testbed.application import NAMES
from flask_onetrace.contract import (
    ACCESS_LOGGER,
    CONFIGURED_NAME_ANNOTATION,
    LOGGER_FIELD,
    PATH_FIELD,
    SAMPLED_FIELD,
    TRACE_ID_HEADER,
)
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory

PATH = "/api/activities/home"


def test_an_access_line_has_the_fields_that_metric_filters_read(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app(backends.environment)
    trace_id = app.test_client().get(PATH, buffered=True).headers[TRACE_ID_HEADER]
    [line] = eventually(lambda: backends.lines_of(trace_id), 1)
    assert (line[LOGGER_FIELD], line[PATH_FIELD], line[SAMPLED_FIELD]) == (ACCESS_LOGGER, PATH, 1)


def test_a_segment_named_after_its_host_has_the_annotation_that_the_group_filters_by(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment, "AWS_XRAY_URL": "*.example.com"})
    response = app.test_client().get(PATH, headers={"Host": "shop.example.com"}, buffered=True)
    [segment] = eventually(lambda: backends.segments_of(response.headers[TRACE_ID_HEADER]), 1)
    assert segment["name"] == "shop.example.com"
    assert segment["annotations"][CONFIGURED_NAME_ANNOTATION] == NAMES["OTEL_SERVICE_NAME"]
