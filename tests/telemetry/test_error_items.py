"""Error items are built off the request thread, are what Rollbar's SDK would have sent, and hold nothing for long."""

from __future__ import annotations

import gc
import io
import logging
import threading
import weakref
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
import rollbar
from flask import Flask, request
from rollbar.lib import events

from service.contract import ACCESS_LOGGER
from service.telemetry import EXTENSION, rollbar_locals, rollbar_queue
from service.telemetry.rollbar_body import MAX_BODY
from tests.telemetry.conftest import AppMaker
from tests.telemetry.observatory import KEYS, Document, Observatory, eventually
from tests.telemetry.segments import ask
from tests.telemetry.test_errors import item_of

RAISED_AT = {"timestamp", "uuid", "body"}


class Shown:
    """A local variable that Rollbar's SDK asks for its text."""

    def __init__(self, look: Callable[[], str]) -> None:
        self._look = look

    def __rollbar_repr__(self) -> str:
        return self._look()


@pytest.fixture
def errors(make_app: AppMaker, observatory: Observatory) -> Flask:
    """An app that has Rollbar alone."""
    return make_app({**observatory.rollbar, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true"})


def raising(app: Flask, fail: Callable[[], object]) -> None:
    app.add_url_rule("/raising", "raising", fail, methods=["GET", "POST"])  # type: ignore[arg-type]  # it never returns


def item_of_failing(app: Flask, observatory: Observatory) -> Document:
    trace_id = ask(app, "/raising", 500)
    assert app.extensions[EXTENSION].flush(10)
    [item] = observatory.items(trace_id)
    return item


def trace_of(item: Document) -> Document:
    body = item["body"]
    found: Document = body["trace_chain"][0] if "trace_chain" in body else body["trace"]
    return found


def counts(app: Flask) -> Any:  # noqa: ANN401 - the queue's own
    [sink] = [sink for sink in app.extensions[EXTENSION].sinks if sink.name == "rollbar"]
    return sink.queue.counts


def test_no_local_variable_is_read_on_the_request_thread(errors: Flask, observatory: Observatory) -> None:
    def fail() -> NoReturn:
        shown = Shown(lambda: threading.current_thread().name)
        raise RuntimeError(f"{type(shown)}")

    raising(errors, fail)
    [*_, innermost] = trace_of(item_of_failing(errors, observatory))["frames"]
    assert innermost["locals"]["shown"] == "telemetry-rollbar-build"


def test_an_item_is_what_the_sdk_makes_of_it_on_the_spot(errors: Flask, observatory: Observatory) -> None:
    def fail() -> None:
        order, password = {"lines": list(range(30)), "token": "t"}, "p"
        try:
            int(f"x{len(order)}")
        except ValueError:  # unnamed: its name would be gone when the frames are read
            rollbar.report_exc_info(request=request)
            raise KeyError(f"no order {len(password)}") from None

    raising(errors, fail)
    form = {"user": "worf", "password": "p"}
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "Cookie": "a=b", "baggage": "rollbar.session.id=s"}
    with errors.test_client().post("/raising?page=2", data=form, headers=headers, buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    on_the_spot, later = eventually(lambda: observatory.items(trace_id), 2)
    if "trace" not in on_the_spot["body"]:
        on_the_spot, later = later, on_the_spot
    assert unstarred({key: later[key] for key in later.keys() - RAISED_AT}) == unstarred(
        {key: on_the_spot[key] for key in on_the_spot.keys() - RAISED_AT}
    )
    outer, inner = later["body"]["trace_chain"]
    assert unstarred(inner) == unstarred(on_the_spot["body"]["trace"])
    assert outer["exception"] == {"class": "KeyError", "message": "'no order 1'"}
    assert outer["frames"][-1]["locals"]["order"]["lines"] == [*range(10), "..."]


def unstarred(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Mask what the SDK makes as long as chance will have it."""
    if isinstance(value, dict):
        return {key: unstarred(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unstarred(each) for each in value]
    return "***" if isinstance(value, str) and value and not value.strip("*") else value


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class UnhashableError(Exception):
    __hash__ = None  # type: ignore[assignment]  # an exception may be so, and the SDK puts it into a set


def recurse() -> NoReturn:
    recurse()


def chained() -> NoReturn:
    error: Exception | None = None
    for number in range(30):
        made = RuntimeError(f"number {number}")
        made.__cause__, error = error, made
    raise made


STRANGE: dict[str, tuple[Callable[[], object], str]] = {
    "unprintable": (lambda: raise_(UnprintableError()), "UnprintableError"),
    "unhashable": (lambda: raise_(UnhashableError("x")), "UnhashableError"),
    "recursion": (recurse, "RecursionError"),
    "long chain": (chained, "RuntimeError"),
    "group": (lambda: raise_(ExceptionGroup("two", [ValueError(), TypeError()])), "ExceptionGroup"),
    "syntax": (lambda: compile("1 +", "x.py", "exec"), "SyntaxError"),
}


def raise_(error: Exception) -> NoReturn:
    raise error


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_exception_is_an_item_like_any_other(case: str, errors: Flask, observatory: Observatory) -> None:
    fail, name = STRANGE[case]
    raising(errors, fail)
    item = item_of_failing(errors, observatory)
    trace = trace_of(item)
    assert trace["exception"]["class"] == name
    assert len(trace["frames"]) <= 64
    assert len(item["body"].get("trace_chain", ())) <= 8
    assert trace["frames"][0]["method"] == "wsgi_app"
    assert ("left_out" in item["custom"]) == (case in {"recursion", "long chain"})
    assert counts(errors).dropped_failed == 0


def test_an_outage_keeps_nothing_of_the_request_alive(
    make_app: AppMaker, observatory: Observatory, caplog: pytest.LogCaptureFixture
) -> None:
    refused = {**observatory.rollbar, "ROLLBAR_ENDPOINT": "http://127.0.0.1:9/api/1/", "LOG_CONSOLE": "false"}
    app = make_app({**refused, "TELEMETRY_SHUTDOWN_DEADLINE": "0.5"})
    # pytest keeps records, and with them tracebacks.
    caplog.set_level(logging.CRITICAL, app.logger.name)
    caplog.set_level(logging.CRITICAL, ACCESS_LOGGER)
    seen: list[weakref.ref[Shown]] = []
    let_go = threading.Event()

    def fail() -> NoReturn:
        large = Shown(lambda: "large")
        seen.append(weakref.ref(large, lambda _: let_go.set()))
        raise RuntimeError("with a large object")

    raising(app, fail)
    with app.test_client().get("/raising", buffered=True) as response:
        assert response.status_code == 500
    for _ in range(100):
        if let_go.wait(0.1):
            break
        gc.collect()
    assert seen[0]() is None
    assert counts(app).delivered == 0


def test_errors_beyond_the_bound_are_items_without_local_variables_and_then_counted(
    errors: Flask, observatory: Observatory
) -> None:
    release = threading.Event()

    def fail() -> NoReturn:
        shown = Shown(lambda: str(release.wait(10)))
        raise RuntimeError(f"one of many {type(shown)}")

    raising(errors, fail)
    bound, room = rollbar_queue.MAX_WITH_FRAMES, rollbar_queue.MAX_WAITING
    ids = [ask(errors, "/raising", 500) for _ in range(room + 3)]
    assert counts(errors).dropped_full == 3
    release.set()
    full, plain = (item_of(observatory, ids[place]) for place in (bound - 1, bound))
    assert trace_of(full)["frames"][-1]["locals"]["shown"] == "True"
    assert "locals" not in trace_of(plain)["frames"][-1]
    assert plain["custom"].pop("left_out") == "local variables: too many errors at once"
    assert plain["custom"].keys() == full["custom"].keys()
    assert [bare(frame) for frame in trace_of(plain)["frames"]] == [bare(frame) for frame in trace_of(full)["frames"]]
    assert plain["request"].keys() == full["request"].keys()
    # Each is given back: there is room again.
    assert eventually(lambda: observatory.items(ids[room - 1]), 1)
    assert "locals" in trace_of(item_of_failing(errors, observatory))["frames"][-1]


def bare(frame: Document) -> Document:
    return {key: frame[key] for key in ("filename", "lineno", "method", "code")}


def test_an_item_that_is_too_long_is_sent_without_what_makes_it_so(errors: Flask, observatory: Observatory) -> None:
    def fail() -> NoReturn:
        raise RuntimeError(f"long {'x' * MAX_BODY} {KEYS['HONEYCOMB_API_KEY']}")

    raising(errors, fail)
    item = item_of_failing(errors, observatory)
    assert item["body"]["message"]["body"].startswith("long xxx")
    assert item["custom"]["left_out"] == "all but the message: the item was too long"
    assert item["custom"].keys() >= {"trace_id", "span_id"}


def test_a_long_body_that_the_handler_left_alone_is_left_alone(errors: Flask, observatory: Observatory) -> None:
    raising(errors, lambda: raise_(RuntimeError("unread")))
    sent = io.BytesIO(b"name=" + b"x" * 100_000)
    with errors.test_client().post(
        "/raising", input_stream=sent, content_length=100_005, content_type="application/x-www-form-urlencoded"
    ) as response:
        trace_id = response.headers["X-Trace-Id"]
    item = item_of(observatory, trace_id)
    assert item["request"]["POST"] == {}
    assert sent.tell() == 0


@pytest.fixture
def handlers() -> Iterator[list[Callable[..., object]]]:
    """Handlers to add to the SDK, which are taken out again."""
    added: list[Callable[..., object]] = []
    yield added
    for each in added:
        events.remove_exception_info_handler(each)
        events.remove_payload_handler(each)


def test_filters_of_the_application_see_the_request_and_are_obeyed(
    errors: Flask, observatory: Observatory, handlers: list[Callable[..., object]]
) -> None:
    def only_important(exc_info: tuple[Any, Any, Any], **_: object) -> object:
        return exc_info if request.args["important"] == "yes" else False

    def tag(payload: dict[str, Any], **_: object) -> object:
        payload["data"]["custom"] = {"tag": request.path}
        return payload

    events.add_exception_info_handler(only_important)
    events.add_payload_handler(tag)
    handlers += [only_important, tag]
    raising(errors, lambda: raise_(RuntimeError("x")))
    ignored, shown = (ask(errors, f"/raising?important={word}", 500) for word in ("no", "yes"))
    assert item_of(observatory, shown)["custom"]["tag"] == "/raising"
    assert observatory.items(ignored) == []
    assert counts(errors).dropped_failed == 0


def test_an_exception_that_the_sdk_is_to_ignore_leaves_no_trace_of_an_item(
    app: Flask, observatory: Observatory
) -> None:
    error = RuntimeError("ignored")
    error._rollbar_ignore = True  # type: ignore[attr-defined]  # the SDK's own mark
    raising(app, lambda: raise_(error))
    trace_id = ask(app, "/raising", 500)
    [span] = eventually(lambda: observatory.spans(trace_id), 1)
    assert "rollbar.uuid" not in span["attributes"]
    assert observatory.items(trace_id) == []


def test_two_apps_in_one_process_send_their_own_items(make_app: AppMaker, observatory: Observatory) -> None:
    made = [make_app({**observatory.rollbar, "DEPLOYMENT_ENVIRONMENT": name, "SERVICE_VERSION": name}) for name in "ab"]
    for app in made:
        raising(app, lambda: raise_(RuntimeError("x")))
    ids = [ask(app, "/raising", 500) for app in made]
    assert [item_of(observatory, trace_id)["code_version"] for trace_id in ids] == ["a", "b"]


Pair = namedtuple("Pair", "left right")  # the kind that the SDK has a rule for


def cyclic() -> list[object]:
    value: list[object] = [list(range(30))] * 3
    return [*value, value, *range(5_000)]


def test_large_local_variables_look_as_the_sdk_shows_them(
    errors: Flask, observatory: Observatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = range(3_000)

    def fail() -> NoReturn:
        rows = [{"id": each, "password": "p", "deep": [[[[[[1] * 20] * 3]]]]} for each in many]
        mappings = {each: {"x": (each, 2)} for each in many}, OrderedDict((each, each) for each in many)
        sets = set(many), frozenset(many)
        lists = deque(many), tuple(many), many, bytearray(3_000), [Pair(1, 2)] * 3_000
        loop = cyclic()
        raise RuntimeError(f"large {len(rows) + len(mappings) + len(sets) + len(lists) + len(loop)}")

    raising(errors, fail)
    spared = item_of_failing(errors, observatory)
    monkeypatch.setattr(rollbar_locals, "_SMALL", 10**9)
    whole = item_of_failing(errors, observatory)
    shown, expected = (unstarred(trace_of(item)["frames"][-1]["locals"]) for item in (spared, whole))
    assert shown.keys() == {"rows", "mappings", "sets", "lists", "loop", "many"}
    assert shown == expected


def test_of_a_large_local_variable_little_is_read(errors: Flask, observatory: Observatory) -> None:
    read: list[str] = []

    def look() -> str:
        read.append("read")
        return read[-1]

    def fail() -> NoReturn:
        many = [Shown(look) for _ in range(5_000)]
        raise RuntimeError(f"{len(many)}")

    raising(errors, fail)
    item_of_failing(errors, observatory)
    assert len(read) < 100
