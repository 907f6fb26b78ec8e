"""Error items are built off the request thread, equal the SDK's own, and keep nothing of the request alive."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
import rollbar
from flask import Flask, request
from rollbar.lib import events

from flask_onetrace.contract import ACCESS_LOGGER
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id
from tests.telemetry.sinks.rollbar.items import (
    ReprProbe,
    add_failing_route,
    exception_trace,
    item_of,
    item_of_failure,
    mask_scrubbed,
    queue_counts,
    raise_,
)

VARYING = {"timestamp", "uuid", "body"}


def test_local_variables_are_read_off_the_request_thread(rollbar_app: Flask, backends: FakeBackends) -> None:
    def fail() -> NoReturn:
        probe = ReprProbe(lambda: threading.current_thread().name)
        raise RuntimeError(f"{type(probe)}")

    add_failing_route(rollbar_app, fail)
    [*_, innermost] = exception_trace(item_of_failure(rollbar_app, backends))["frames"]
    assert innermost["locals"]["probe"] == "telemetry-rollbar-build"


def test_a_deferred_item_equals_the_sdks_synchronous_one(rollbar_app: Flask, backends: FakeBackends) -> None:
    def fail() -> None:
        order, password = {"lines": list(range(30)), "token": "t"}, "p"
        try:
            int(f"x{len(order)}")
        except ValueError:  # no `as`: the name would be deleted before the frames are read
            rollbar.report_exc_info(request=request)
            raise KeyError(f"no order {len(password)}") from None

    add_failing_route(rollbar_app, fail)
    form = {"user": "worf", "password": "p"}
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "Cookie": "a=b", "baggage": "rollbar.session.id=s"}
    with rollbar_app.test_client().post("/raising?page=2", data=form, headers=headers, buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    synchronous, deferred = eventually(lambda: backends.items(trace_id), 2)
    if "trace" not in synchronous["body"]:
        synchronous, deferred = deferred, synchronous
    assert mask_scrubbed({key: deferred[key] for key in deferred.keys() - VARYING}) == mask_scrubbed(
        {key: synchronous[key] for key in synchronous.keys() - VARYING}
    )
    outer, inner = deferred["body"]["trace_chain"]
    assert mask_scrubbed(inner) == mask_scrubbed(synchronous["body"]["trace"])
    assert outer["exception"] == {"class": "KeyError", "message": "'no order 1'"}
    assert outer["frames"][-1]["locals"]["order"]["lines"] == [*range(10), "..."]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class UnhashableError(Exception):
    __hash__ = None  # type: ignore[assignment]  # the SDK puts exceptions into a set


def recurse() -> NoReturn:
    recurse()


def chained() -> NoReturn:
    error: Exception | None = None
    for number in range(30):
        effect = RuntimeError(f"number {number}")
        effect.__cause__, error = error, effect
    raise effect


UNUSUAL: dict[str, tuple[Callable[[], object], str]] = {
    "unprintable": (lambda: raise_(UnprintableError()), "UnprintableError"),
    "unhashable": (lambda: raise_(UnhashableError("x")), "UnhashableError"),
    "recursion": (recurse, "RecursionError"),
    "long chain": (chained, "RuntimeError"),
    "group": (lambda: raise_(ExceptionGroup("two", [ValueError(), TypeError()])), "ExceptionGroup"),
    "syntax": (lambda: compile("1 +", "x.py", "exec"), "SyntaxError"),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_an_unusual_exception_is_reported(case: str, rollbar_app: Flask, backends: FakeBackends) -> None:
    fail, name = UNUSUAL[case]
    add_failing_route(rollbar_app, fail)
    item = item_of_failure(rollbar_app, backends)
    trace = exception_trace(item)
    assert trace["exception"]["class"] == name
    assert len(trace["frames"]) <= 64
    assert len(item["body"].get("trace_chain", ())) <= 8
    assert trace["frames"][0]["method"] == "wsgi_app"
    assert ("left_out" in item["custom"]) == (case in {"recursion", "long chain"})
    assert queue_counts(rollbar_app).dropped_failed == 0


def test_an_outage_keeps_no_request_objects_alive(
    make_app: AppFactory, backends: FakeBackends, caplog: pytest.LogCaptureFixture
) -> None:
    unreachable = {**backends.rollbar, "ROLLBAR_ENDPOINT": "http://127.0.0.1:9/api/1/", "LOG_CONSOLE": "false"}
    app = make_app({**unreachable, "TELEMETRY_SHUTDOWN_DEADLINE": "0.5"})
    # pytest's log capture keeps records, and with them tracebacks.
    caplog.set_level(logging.CRITICAL, app.logger.name)
    caplog.set_level(logging.CRITICAL, ACCESS_LOGGER)
    refs: list[weakref.ref[ReprProbe]] = []
    freed = threading.Event()

    def fail() -> NoReturn:
        large = ReprProbe(lambda: "large")
        refs.append(weakref.ref(large, lambda _: freed.set()))
        raise RuntimeError("with a large object")

    add_failing_route(app, fail)
    with app.test_client().get("/raising", buffered=True) as response:
        assert response.status_code == 500
    for _ in range(100):
        if freed.wait(0.1):
            break
        gc.collect()
    assert refs[0]() is None
    assert queue_counts(app).delivered == 0


@pytest.fixture
def handlers() -> Iterator[list[Callable[..., object]]]:
    """Handlers that a test adds to the SDK; they are removed at the end."""
    added_handlers: list[Callable[..., object]] = []
    yield added_handlers
    for each in added_handlers:
        events.remove_exception_info_handler(each)
        events.remove_payload_handler(each)


def test_the_applications_event_handlers_see_the_request_and_are_applied(
    rollbar_app: Flask, backends: FakeBackends, handlers: list[Callable[..., object]]
) -> None:
    def only_important(exc_info: tuple[Any, Any, Any], **_: object) -> object:
        return exc_info if request.args["important"] == "yes" else False

    def tag(payload: dict[str, Any], **_: object) -> object:
        payload["data"]["custom"] = {"tag": request.path}
        return payload

    events.add_exception_info_handler(only_important)
    events.add_payload_handler(tag)
    handlers += [only_important, tag]
    add_failing_route(rollbar_app, lambda: raise_(RuntimeError("x")))
    ignored, reported = (get_trace_id(rollbar_app, f"/raising?important={word}", 500) for word in ("no", "yes"))
    assert item_of(backends, reported)["custom"]["tag"] == "/raising"
    assert backends.items(ignored) == []
    assert queue_counts(rollbar_app).dropped_failed == 0


def test_an_ignored_exception_creates_no_item(app: Flask, backends: FakeBackends) -> None:
    error = RuntimeError("ignored")
    error._rollbar_ignore = True  # type: ignore[attr-defined]  # the SDK's own flag
    add_failing_route(app, lambda: raise_(error))
    trace_id = get_trace_id(app, "/raising", 500)
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert "rollbar.uuid" not in span["attributes"]
    assert backends.items(trace_id) == []


def test_two_apps_in_one_process_send_their_own_items(make_app: AppFactory, backends: FakeBackends) -> None:
    apps = [make_app({**backends.rollbar, "DEPLOYMENT_ENVIRONMENT": name, "SERVICE_VERSION": name}) for name in "ab"]
    for app in apps:
        add_failing_route(app, lambda: raise_(RuntimeError("x")))
    ids = [get_trace_id(app, "/raising", 500) for app in apps]
    assert [item_of(backends, trace_id)["code_version"] for trace_id in ids] == ["a", "b"]
