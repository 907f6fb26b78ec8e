"""Error items carry their request's ids and no secrets."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import rollbar
from flask import Flask, Response, request, stream_with_context
from rollbar.logger import RollbarHandler

from flask_onetrace import telemetry
from tests.telemetry.backends import KEYS, FakeBackends, eventually
from tests.telemetry.segments import get_trace_id, segment_of
from tests.telemetry.sinks.rollbar.items import item_of


def test_item_span_and_segment_link_to_each_other(app: Flask, backends: FakeBackends) -> None:
    trace_id = get_trace_id(app, "/api/fault?page=2", 500, {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})
    item = item_of(backends, trace_id)
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    segment = segment_of(backends, trace_id)
    assert item["custom"] == {
        "trace_id": trace_id,
        "xray_trace_id": segment["trace_id"],
        "span_id": segment["id"],
    }
    assert (item["request"]["method"], item["request"]["url"]) == ("GET", "http://localhost/api/fault?page=2")
    assert (item["request"]["user_ip"], item["context"]) == ("203.0.113.7", "/api/fault")
    link = f"https://rollbar.com/instance/uuid?uuid={item['uuid']}"
    assert (span["attributes"]["rollbar.uuid"], span["attributes"]["rollbar.url"]) == (item["uuid"], link)
    assert segment["annotations"] == {"rollbar_uuid": item["uuid"], "rollbar_url": link}


def report_exception() -> None:
    try:
        int("x")
    except ValueError:
        rollbar.report_exc_info(extra_data={"own": 1})


def report_message() -> None:
    rollbar.report_message("Hello World!", "warning", extra_data={"own": 1})


@pytest.mark.parametrize("report", [report_exception, report_message])
def test_items_reported_by_a_handler_carry_the_trace_ids(report: Any, app: Flask, backends: FakeBackends) -> None:  # noqa: ANN401 - a function without arguments
    @app.get("/reports")
    def reports() -> str:
        telemetry.identify("worf")
        report()
        return "ok"

    trace_id = get_trace_id(app, "/reports")
    item = item_of(backends, trace_id)
    assert item["custom"]["own"] == 1
    assert item["person"] == {"id": "worf"}
    assert segment_of(backends, trace_id)["annotations"]["rollbar_uuid"] == item["uuid"]


def test_a_failure_in_a_streamed_body_is_reported_once(app: Flask, backends: FakeBackends) -> None:
    ids: list[str | None] = []

    @app.get("/stream")
    def stream() -> Response:
        def produce() -> Iterator[str]:
            ids.append(telemetry.trace_id())
            yield "first"
            raise OSError("the disk is gone")

        return Response(stream_with_context(produce()))

    with pytest.raises(OSError, match="disk"), app.test_client().get("/stream", buffered=True):
        pass
    [trace_id] = ids
    assert trace_id is not None
    assert app.extensions["onetrace"].flush(5)
    item = item_of(backends, trace_id)
    assert item["body"]["trace"]["exception"]["message"] == "the disk is gone"
    [span] = backends.spans(trace_id)
    assert (span["status"]["code"], span["attributes"]["rollbar.uuid"]) == ("error", item["uuid"])
    levels = {line["message"]: line["level"] for line in backends.lines_of(trace_id)}
    assert levels["Exception in the body of /stream [GET]"] == "ERROR"


SECRET_HEADERS = {
    "Authorization": "Bearer sentinel-bearer",
    "Cookie": "AWSELBAuthSessionCookie-0=sentinel-cookie",
    "X-Amzn-Oidc-Data": "sentinel-oidc-data",
    "X-Amzn-Oidc-Accesstoken": "sentinel-oidc-token",
}


def test_items_contain_no_secrets(app: Flask, backends: FakeBackends) -> None:
    @app.post("/login")
    def login() -> NoReturn:
        visible = "sentinel-harmless"
        harmless_name = KEYS["HONEYCOMB_API_KEY"]
        environ, headers, token = request.environ, dict(request.headers), "sentinel-local-token"
        jar = dict(request.cookies)
        sizes = len(environ), len(headers), len(token), len(request.form), len(jar)
        raise RuntimeError(f"{visible} {harmless_name} {KEYS['ROLLBAR_ACCESS_TOKEN']} {sizes}")

    form = {"user": "sentinel-user", "password": "sentinel-password"}
    query = "?token=sentinel-query&next=sentinel-next"
    with app.test_client().post(f"/login{query}", data=form, headers=SECRET_HEADERS, buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    text = json.dumps(item_of(backends, trace_id))
    for value in ("sentinel-harmless", "sentinel-user", "sentinel-next"):
        assert value in text
    for secret in (
        *KEYS.values(),
        *(value.rpartition("=")[2].removeprefix("Bearer ") for value in SECRET_HEADERS.values()),
        "sentinel-password",
        "sentinel-query",
        "sentinel-local-token",
    ):
        assert secret not in text


def test_rollbar_session_ids_are_sent_to_rollbar_alone(app: Flask, backends: FakeBackends) -> None:
    baggage = "rollbar.session.id=sentinel-session, rollbar.execution.scope.id=sentinel-scope"
    trace_id = get_trace_id(app, "/api/fault", 500, {"baggage": baggage})
    item_of(backends, trace_id)
    lines = eventually(lambda: backends.lines_of(trace_id), 2)
    other_exports = repr([segment_of(backends, trace_id), backends.spans(trace_id), lines])
    assert "sentinel" not in other_exports
    assert "rollbar.session" not in other_exports


def test_a_local_variable_that_is_not_json_serializable_does_not_lose_the_item(
    app: Flask, backends: FakeBackends
) -> None:
    @app.get("/odd")
    def odd() -> NoReturn:
        value = {b"key": {1, 2}, "huge": 2**100, "lone": "\udc80"}
        raise RuntimeError(f"lone \udc80 {len(value)}")

    assert item_of(backends, get_trace_id(app, "/odd", 500))["body"]["trace"]["exception"]["class"] == "RuntimeError"


def test_the_sdks_log_handler_shows_the_stack_that_a_line_asks_for(app: Flask, backends: FakeBackends) -> None:
    shop = logging.getLogger("shop.stack")
    handler = RollbarHandler()  # type: ignore[no-untyped-call]  # the SDK types a part of itself
    records: list[logging.LogRecord] = []
    later = logging.Handler()
    later.emit = records.append  # type: ignore[assignment, method-assign]  # an application's handler
    shop.addHandler(handler)
    shop.addHandler(later)

    @app.get("/stack")
    def stack() -> str:
        shop.error("where am I", stack_info=True, extra={"extra_data": {"own": 1}})
        return "done"

    try:
        trace_id = get_trace_id(app, "/stack")
        items = {item["body"]["message"]["body"]: item for item in eventually(lambda: backends.items(trace_id), 1)}
    finally:
        shop.removeHandler(handler)
        shop.removeHandler(later)
    message = items["where am I"]["body"]["message"]
    assert message["own"] == 1
    assert "in stack" in str(message["stack_info"])
    assert [vars(record)["extra_data"] for record in records] == [{"own": 1}], "others get the application's own"
