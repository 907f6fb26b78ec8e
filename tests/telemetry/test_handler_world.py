"""Telemetry changes nothing of what a handler does and a client gets, and no handler can break telemetry."""

from __future__ import annotations

import gc
import logging
import logging.config
import time
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, NoReturn

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask, Response, abort, got_request_exception, request, stream_with_context
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

from flask_onetrace import telemetry as api
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry_config import telemetry_config
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.tracing import TRACE, TRACEPARENT, SpanRecorder, flush, get, telemetry_of

HOME = "/api/activities/home"
tracer = trace.get_tracer("tests")
_variable: ContextVar[str] = ContextVar("of the application", default="unset")


class HostileError(Exception):
    """An exception that answers no question about itself."""

    def __getattr__(self, name: str) -> NoReturn:
        raise KeyError(name)


class SilentError(Exception):
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class RaisingHandler(logging.Handler):
    """An application's handler with a mistake in it."""

    def emit(self, record: logging.LogRecord) -> NoReturn:
        raise ConnectionError(f"the log server is away: {record.levelname}")


@pytest.fixture
def raising_handler() -> Iterator[None]:
    handler = RaisingHandler()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("error", [HostileError("why"), SilentError()], ids=lambda error: type(error).__name__)
def test_an_exception_that_cannot_be_read_is_a_500_in_every_sink(
    app: Flask, backends: FakeBackends, error: Exception
) -> None:
    @app.get("/hostile")
    def hostile() -> NoReturn:
        with api.span("inner"):
            raise error

    response = get(app, "/hostile")
    assert response.status == 500
    flush(app)
    spans = {span["name"]: span for span in backends.spans(response.trace_id)}
    assert {name: span["status"]["code"] for name, span in spans.items()} == {"GET /hostile": "error", "inner": "error"}
    [segment] = eventually(lambda: backends.segments_of(response.trace_id), 1)
    assert segment["fault"]
    # Before Python 3.13 Flask cannot even log such an exception: that failure is a second item.
    items = eventually(lambda: backends.items(response.trace_id), 1)
    assert any(type(error).__name__ in str(item["body"]) for item in items)
    access = [line for line in backends.lines_of(response.trace_id) if line["logger"] == "flask_onetrace.access"]
    assert [(line["status"], line["level"]) for line in access] == [(500, "ERROR")]


@pytest.mark.usefixtures("raising_handler")
def test_a_log_handler_that_raises_costs_neither_response_nor_telemetry(app: Flask, backends: FakeBackends) -> None:
    response, slow = get(app, HOME), get(app, "/api/health-check")
    assert (response.status, slow.status) == (200, 200)
    flush(app)
    assert len(backends.spans(response.trace_id)) == 2
    assert len(eventually(lambda: backends.segments_of(response.trace_id), 1)) == 1
    assert len(backends.lines_of(response.trace_id)) == 1


@pytest.mark.usefixtures("raising_handler")
def test_an_exception_before_a_log_handler_that_raises_is_reported(app: Flask, backends: FakeBackends) -> None:
    @app.get("/broken")
    def broken() -> Response:
        def produce() -> Iterator[str]:
            yield "piece"
            raise LookupError

        return Response(produce())

    with pytest.raises(LookupError):
        get(app, "/broken")
    flush(app)
    [trace_id] = {line["trace_id"] for line in backends.logs.lines if line.get("path") == "/broken"}
    assert len(backends.spans(trace_id)) == len(backends.items(trace_id)) == 1


def test_a_request_is_served_even_if_its_scope_cannot_be_made(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> NoReturn:
        raise ValueError

    monkeypatch.setattr(telemetry_of(app).middleware, "start_request", fail)
    with app.test_client().get(HOME, buffered=True) as response:
        assert response.status_code == 200
        assert "X-Trace-Id" not in response.headers


def test_a_stream_is_read_after_its_request_within_the_test_clients_context(app: Flask) -> None:
    @app.get("/stream")
    def stream() -> Response:
        return Response(stream_with_context(request.path[index] for index in range(3)))

    with app.test_client() as client:
        assert client.get("/stream?a=1").data == b"/st"
        assert request.args["a"] == "1"


def test_two_responses_that_are_read_by_turns_keep_to_their_own_traces(app: Flask) -> None:
    @app.get("/turns")
    def turns() -> Response:
        def produce() -> Iterator[str]:
            for _ in range(2):
                yield f"{api.trace_id()} "

        return Response(produce())

    client = app.test_client()
    first, second = client.get("/turns"), client.get("/turns")
    bodies = [iter(response.response) for response in (first, second)]
    pieces: list[Any] = [next(body) for _ in range(2) for body in bodies]
    ids = [response.headers["X-Trace-Id"] for response in (first, second)]
    assert [str(piece, "ascii").strip() for piece in pieces] == ids * 2
    first.close()
    assert api.trace_id() is None
    second.close()
    assert api.trace_id() is None
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_generator_keeps_its_current_span_between_its_pieces(app: Flask) -> None:
    seen = []

    @app.get("/pieces")
    def pieces() -> Response:
        def produce() -> Iterator[str]:
            with tracer.start_as_current_span("inner") as inner:
                for _ in range(3):
                    seen.append(trace.get_current_span() is inner)
                    yield "piece"

        return Response(produce())

    get(app, "/pieces")
    assert seen == [True] * 3


def test_context_variables_of_the_application_are_left_as_without_telemetry(app: Flask) -> None:
    seen: list[str] = []

    @app.get("/variable")
    def variable() -> Response:
        token = _variable.set("set in the handler")

        def produce() -> Iterator[str]:
            seen.append(_variable.get())
            yield "piece"

        response = Response(produce())
        response.call_on_close(lambda: _variable.reset(token))
        return response

    get(app, "/variable")
    assert seen == ["set in the handler"]
    assert _variable.get() == "unset"


def test_a_response_that_is_passed_on_has_each_trace_header_once(app: Flask) -> None:
    @app.get("/proxy")
    def proxy() -> Response:
        headers = {"x-trace-id": "0" * 32, "Traceresponse": "00-0-0-00", "Server-Timing": "db;dur=3", "X-Other": "kept"}
        return Response("passed on", headers=headers)

    with app.test_client().get("/proxy", buffered=True) as response:
        assert len(response.headers.getlist("X-Trace-Id")) == len(response.headers.getlist("traceresponse")) == 1
        assert response.headers["X-Trace-Id"] != "0" * 32
        assert [each.split(";")[0] for each in response.headers.getlist("Server-Timing")] == ["db", "app"]
        assert response.headers["X-Other"] == "kept"


def test_the_body_that_a_handler_has_not_read_is_there_for_the_handler_of_its_error(
    app: Flask, backends: FakeBackends
) -> None:
    @app.post("/upload")
    def upload() -> NoReturn:
        raise ValueError

    @app.errorhandler(500)
    def on_error(_: Exception) -> tuple[bytes, int]:
        return request.get_data(), 500

    with app.test_client().post("/upload", data=b"unread", buffered=True) as response:
        assert response.data == b"unread"
        trace_id = response.headers["X-Trace-Id"]
    flush(app)
    assert len(eventually(lambda: backends.items(trace_id), 1)) == 1


@pytest.mark.parametrize("testing", [True, False])
def test_an_exception_leaves_the_app_where_flask_means_it_to(
    app: Flask, backends: FakeBackends, *, testing: bool
) -> None:
    app.testing = testing

    @app.teardown_request
    def fail(_: object) -> None:
        if request.path == "/fine":
            raise LookupError

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    if testing:
        with pytest.raises(LookupError):
            get(app, "/fine")
    else:
        with app.test_client().get("/fine", buffered=True) as response:
            assert (response.status_code, response.json["error"]["status"]) == (500, 500)  # type: ignore[index]  # JSON
    flush(app)
    [trace_id] = {line["trace_id"] for line in backends.logs.lines if line.get("path") == "/fine"}
    assert len(eventually(lambda: backends.items(trace_id), 1)) == 1
    [span] = backends.spans(trace_id)
    assert span["attributes"]["http.response.status_code"] == 500


def test_an_error_that_a_handler_answers_itself_is_no_failure(app: Flask, backends: FakeBackends) -> None:
    @app.get("/teapot")
    def teapot() -> NoReturn:
        abort(418)

    response = get(app, "/teapot")
    flush(app)
    [span] = backends.spans(response.trace_id)
    assert (response.status, span["status"]["code"], span["events"]) == (418, "unset", [])
    assert backends.items(response.trace_id) == []


@pytest.mark.parametrize("root", [True, False])
def test_logging_that_is_configured_after_the_app_does_not_silence_it(
    app: Flask, backends: FakeBackends, *, root: bool
) -> None:
    @app.get("/logs")
    def logs() -> str:
        logging.getLogger("service.activities").warning("from the handler")
        return "done"

    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    disabled = {name for name in logging.root.manager.loggerDict if logging.getLogger(name).disabled}
    config: dict[str, Any] = {"version": 1, "handlers": {"null": {"class": "logging.NullHandler"}}}
    if root:
        config["root"] = {"handlers": ["null"], "level": "INFO"}
    try:
        logging.config.dictConfig(config)
        response = get(app, "/logs")
        flush(app)
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        for name in logging.root.manager.loggerDict:
            logging.getLogger(name).disabled = name in disabled
    messages = [line["message"] for line in backends.lines_of(response.trace_id)]
    assert messages == ["from the handler", "GET /logs 200"]
    [said] = backends.lines_outside_requests("flask_onetrace.telemetry.root_logger")
    assert "disable_existing_loggers=False" in said["message"]


def test_an_old_application_may_write_and_start_late(app: Flask, backends: FakeBackends) -> None:
    """PEP 3333: `write`, a start within the iteration, and headers that `exc_info` replaces."""

    def writing(_: object, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own type
        start_response("200 OK", [("X-Kind", "writing")])(b"written ")
        return [b"returned"]

    def late(_: object, start_response: Any) -> Iterator[bytes]:  # noqa: ANN401 - as above
        start_response("201 CREATED", [("X-Kind", "late")])
        yield b"late"

    def replacing(_: object, start_response: Any) -> list[bytes]:  # noqa: ANN401 - as above
        start_response("200 OK", [("X-Kind", "first")])
        start_response("503 AWAY", [("X-Kind", "second")], (ValueError, ValueError(), None))
        return [b"replaced"]

    expected = {writing: (200, b"written returned"), late: (201, b"late"), replacing: (503, b"replaced")}
    for application, (status, body) in expected.items():
        app.wsgi_app = telemetry_of(app).middleware.wrap(application)  # type: ignore[assignment, method-assign]  # as Flask documents
        with app.test_client().get("/") as response:
            assert (response.status_code, response.data) == (status, body)
            assert len(response.headers.getlist("X-Kind")) == len(response.headers.getlist("X-Trace-Id")) == 1
            trace_id = response.headers["X-Trace-Id"]
        flush(app)
        [line] = backends.lines_of(trace_id)
        assert (line["status"], line["bytes"]) == (status, len(body))


def test_a_status_that_is_no_number_is_left_to_the_server(app: Flask, backends: FakeBackends) -> None:
    seen: list[str] = []

    def odd(_: object, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own type
        start_response("teapot", [("X-Kind", "odd")])
        return [b"as ever"]

    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/odd", "HTTP_TRACEPARENT": TRACEPARENT}
    body = telemetry_of(app).middleware.wrap(odd)(environ, lambda status, _: seen.append(status))  # type: ignore[arg-type]  # a server's in short
    assert (list(body), seen) == ([b"as ever"], ["teapot"])
    body.close()  # type: ignore[attr-defined]  # as a server does
    flush(app)
    assert len(backends.spans(TRACE)) == 1


def test_a_body_without_a_length_and_headers_from_a_generator_arrive(app: Flask) -> None:
    class Body(list[bytes]):
        def __bool__(self) -> bool:
            return False

    def odd(_: object, start_response: Any) -> list[bytes]:  # noqa: ANN401 - WSGI's own type
        start_response("200 OK", ((name, "yes") for name in ("X-One", "X-Two")))
        return Body([b"hello"])

    app.wsgi_app = telemetry_of(app).middleware.wrap(odd)  # type: ignore[assignment, method-assign]  # as Flask documents
    with app.test_client().get("/", buffered=True) as response:
        assert (response.data, response.headers["X-One"], response.headers["X-Two"]) == (b"hello", "yes", "yes")


def test_telemetry_is_installed_once(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="installed in the app 'service' already"):
        telemetry_of(app).install(app)


def test_an_app_whose_class_wants_arguments_is_traced(backends: FakeBackends) -> None:
    class Registered(Flask):
        def __init_subclass__(cls, *, tag: str, **_: object) -> None:
            cls.tag = tag  # type: ignore[attr-defined]  # as registries do

    class Own(Registered, tag="own"):
        pass

    own = Own("own")
    telemetry = Telemetry(telemetry_config(Settings.from_env(backends.honeycomb)))
    telemetry.install(own)
    own.get("/")(lambda: "hello")
    with own.test_client().get("/", buffered=True) as response:
        assert (response.data, len(response.headers["X-Trace-Id"])) == (b"hello", 32)
    telemetry.shutdown()


class RaisingProcessor(SpanProcessor):
    """A span processor with a mistake in each of its methods."""

    def on_start(self, *_: object, **__: object) -> NoReturn:
        raise LookupError

    def on_end(self, *_: object) -> NoReturn:
        raise LookupError


def test_a_processor_that_raises_costs_neither_the_response_nor_the_others(app: Flask, backends: FakeBackends) -> None:
    telemetry_of(app).provider.add_span_processor(RaisingProcessor())
    recorder = SpanRecorder(app)
    response = get(app, HOME)
    flush(app)
    assert response.status == 200
    assert len(recorder.take()) == len(backends.spans(response.trace_id)) == 2


def test_an_exception_is_its_requests_whatever_context_the_handler_has_left_current(
    app: Flask, backends: FakeBackends
) -> None:
    @app.get("/detached")
    def detached() -> NoReturn:
        otel_context.attach(otel_context.Context())
        raise ValueError("in no context")

    response = get(app, "/detached")
    flush(app)
    [span] = backends.spans(response.trace_id)
    assert span["status"]["code"] == "error"
    [item] = backends.items(response.trace_id)
    assert "in no context" in str(item["body"])
    lines = backends.lines_of(response.trace_id)
    assert [line["logger"] for line in lines if line["level"] == "ERROR"] == ["service", "flask_onetrace.access"]


def test_the_exception_of_an_untraced_request_within_a_request_leaves_that_as_it_is(
    app: Flask, backends: FakeBackends
) -> None:
    [path, *_] = telemetry_of(app).middleware.untraced_paths

    def broken() -> NoReturn:
        raise ValueError("untraced")

    app.view_functions[app.url_map.bind("").match(path)[0]] = broken

    @app.get("/outer")
    def outer() -> str:
        return str(app.test_client().get(path).status_code)

    with app.test_client().get("/outer") as answer:
        assert (answer.status_code, answer.data) == (200, b"500")
        trace_id = answer.headers["X-Trace-Id"]
    flush(app)
    [span] = backends.spans(trace_id)
    assert span["status"]["code"] == "unset"


@pytest.mark.parametrize("read", ["read", "not read"])
def test_a_response_that_nobody_closes_ends_its_request_when_it_is_dropped(
    app: Flask, backends: FakeBackends, read: str
) -> None:
    @app.get("/large")
    def large() -> bytes:
        return b"x" * 1_000_000

    client, bodies = app.test_client(), []
    for _ in range(20):
        answer = client.get("/large")
        trace_id = answer.headers["X-Trace-Id"]
        bodies.append(weakref.ref(answer))
        assert read != "read" or len(answer.data) == 1_000_000
        del answer
    open_requests = telemetry_of(app).open_requests
    assert len(open_requests.unclosed) == len(open_requests.served) == 1  # the others have ended with the next request
    assert [each() for each in bodies] == [None] * 20
    flush(app)
    assert not open_requests.served
    [line] = [each for each in backends.lines_of(trace_id) if each["logger"] == "flask_onetrace.access"]
    status, aborted = (200, None) if read == "read" else (499, "client_disconnected")
    assert (line["status"], line.get("aborted"), line["bytes"]) == (status, aborted, 1_000_000 if read == "read" else 0)


def test_a_client_that_leaves_in_the_middle_of_a_stream_is_no_exception(app: Flask, backends: FakeBackends) -> None:
    @app.get("/stream")
    def stream() -> Response:
        return Response(stream_with_context(iter(["one", "two", "three"])))

    answer = app.test_client().get("/stream")
    chunks = answer.iter_encoded()
    assert [next(chunks), next(chunks)] == [b"one", b"two"]
    answer.close()
    flush(app)
    trace_id = answer.headers["X-Trace-Id"]
    [span] = backends.spans(trace_id)
    assert span["status"]["code"] == "unset"
    assert backends.items(trace_id) == []
    [line] = [each for each in backends.lines_of(trace_id) if each["logger"] == "flask_onetrace.access"]
    assert (line["status"], line["aborted"], line["bytes"]) == (200, "client_disconnected", 3)


def test_a_dropped_response_took_as_long_as_until_it_was_dropped(app: Flask, backends: FakeBackends) -> None:
    start = time.monotonic()
    trace_id = app.test_client().get("/api/health-check").headers["X-Trace-Id"]
    seconds = time.monotonic() - start
    time.sleep(0.5)
    flush(app)
    [line] = [each for each in backends.lines_of(trace_id) if each["logger"] == "flask_onetrace.access"]
    assert line["duration_ms"] / 1000 < seconds + 0.1
    [segment] = backends.segments_of(trace_id)
    assert segment["end_time"] - segment["start_time"] < seconds + 0.1


def test_an_app_whose_failed_request_nobody_closed_can_be_freed(backends: FakeBackends) -> None:
    app = Flask("app")
    Telemetry(telemetry_config(Settings.from_env(backends.honeycomb))).install(app)

    @app.get("/boom")
    def boom() -> NoReturn:
        raise ValueError("why")

    app.logger.disabled = True  # the test's own log handlers keep the traceback, which refers to the app
    assert app.test_client().get("/boom").status_code == 500
    reference = weakref.ref(app)
    del app, boom
    gc.collect()
    assert reference() is None


def test_an_exception_that_is_reported_outside_a_request_reaches_the_error_sinks(app: Flask) -> None:
    got_request_exception.send(app, exception=ValueError("by hand, outside a request"))
    flush(app)
    queue = telemetry_of(app).queue_of("rollbar")
    assert queue is not None
    assert queue.counts.delivered == 1


def test_the_exception_of_an_untraced_request_with_the_outer_ones_body_leaves_that_as_it_is(
    app: Flask, backends: FakeBackends
) -> None:
    [path, *_] = telemetry_of(app).middleware.untraced_paths

    def broken() -> NoReturn:
        raise ValueError("untraced")

    app.view_functions[app.url_map.bind("").match(path, method="POST")[0]] = broken

    @app.post("/outer")
    def outer() -> str:
        environ = {**request.environ, "PATH_INFO": path}
        statuses: list[str] = []
        app.wsgi_app(environ, lambda status, _headers, _exc=None: statuses.append(status))  # type: ignore[arg-type]  # a server's in short
        return statuses[0]

    with app.test_client().post("/outer") as answer:
        assert (answer.status_code, answer.data[:3]) == (200, b"500")
        trace_id = answer.headers["X-Trace-Id"]
    flush(app)
    [span] = backends.spans(trace_id)
    assert span["status"]["code"] == "unset"


@pytest.mark.parametrize("end_time", ["x", [1], float("nan"), float("inf"), 10**30], ids=str)
def test_a_subsegment_that_ends_at_no_time_ends_now(app: Flask, backends: FakeBackends, end_time: object) -> None:
    @app.get("/subsegment")
    def subsegment() -> str:
        xray_recorder.begin_subsegment("odd")
        xray_recorder.end_subsegment(end_time)
        return "as ever"

    response = get(app, "/subsegment")
    assert response.status == 200
    flush(app)
    spans = {span["name"]: span for span in backends.spans(response.trace_id)}
    assert set(spans) == {"GET /subsegment", "odd"}
    assert len(backends.segments_of(response.trace_id)) == 1
