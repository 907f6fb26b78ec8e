"""Whatever an application is made of, its clients get the same with telemetry as without, and a request is one trace.

Views, and what changes how Flask serves them, are combined: each alone, and drawn pairs of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import combinations
from threading import Thread
from typing import Any, Final, NamedTuple

import pytest
from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    copy_current_request_context,
    g,
    got_request_exception,
    redirect,
    request,
    stream_with_context,
)
from flask.views import MethodView
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.trace import SpanKind
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_onetrace import init_app
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from tests.telemetry.tracing import SpanRecorder, telemetry_of

SETTINGS: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "LOG_CONSOLE": "false"}
OWN_HEADERS: Final = {"X-Trace-Id", "traceresponse", "Server-Timing"}
SEED: Final = 7
PAIRS: Final = 24


class Outcome(NamedTuple):
    """What a client gets; of a request whose exception leaves the app, the status that a server makes of it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Shop(Flask):
    """An application of a class of its own, which overrides what telemetry overrides too."""

    def handle_user_exception(self, e: Exception) -> Any:  # noqa: ANN401 - as Flask has it
        return super().handle_user_exception(e)

    def make_response(self, rv: Any) -> Response:  # noqa: ANN401 - as Flask has it
        return super().make_response(({"data": rv[0]}, *rv[1:]) if isinstance(rv, tuple) else rv)

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own types
        return super().wsgi_app({**environ, "shop": "yes"}, start_response)


def add_views(app: Flask) -> None:
    @app.get("/dict")
    def view_dict() -> tuple[dict[str, int], dict[str, str]]:
        return {"a": 1}, {"Set-Cookie": "seen=1"}

    @app.get("/boom")
    def boom() -> str:
        raise LookupError("boom")

    @app.get("/abort/<int:status>")
    def view_abort(status: int) -> str:
        abort(status)

    @app.get("/abort")
    def view_abort_response() -> str:
        abort(Response("busy", 503))

    @app.get("/none")  # type: ignore[type-var]  # the mistake
    def none() -> None:
        return None

    @app.get("/redirect")
    def view_redirect() -> Any:  # noqa: ANN401 - werkzeug's response
        return redirect("/dict")

    @app.get("/slash/")
    def slash() -> str:
        return "slash"

    @app.get("/stream")
    def stream() -> Response:
        return Response(stream_with_context(request.path[index] for index in range(3)))

    @app.get("/cut")
    def cut() -> Response:
        def produce() -> Iterator[str]:
            yield "piece"
            raise LookupError("cut")

        return Response(produce())

    @app.get("/async")
    async def view_async() -> str:
        return request.path

    @app.get("/async-boom")
    async def async_boom() -> str:
        raise LookupError("async")

    class Items(MethodView):
        def get(self) -> str:
            return "items"

    app.add_url_rule("/class", view_func=Items.as_view("items"))

    @app.get("/thread")
    def thread() -> str:
        results: list[str] = []

        @copy_current_request_context
        def work() -> None:
            results.append(request.path)

        worker = Thread(target=work)
        worker.start()
        worker.join()
        return results[0]

    @app.get("/exit")
    def view_exit() -> str:
        raise GeneratorExit("no Exception")

    blueprint = Blueprint("blueprint", __name__, url_prefix="/blueprint")

    @blueprint.errorhandler(LookupError)
    def on_error(error: Exception) -> tuple[dict[str, str], int]:
        return {"blueprint": str(error)}, 500

    @blueprint.get("/boom")
    def blueprint_boom() -> str:
        raise LookupError("in a blueprint")

    app.register_blueprint(blueprint)


PATHS: Final = (
    *("/dict", "/boom", "/abort/404", "/abort/500", "/abort", "/none", "/redirect", "/slash", "/stream", "/cut"),
    *("/async", "/async-boom", "/class", "/thread", "/exit", "/blueprint/boom", "/missing"),
)


def nothing(_: Flask) -> None:
    """Leave the app as it is."""


def propagate(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = True


def testing(app: Flask) -> None:
    app.testing = True


def trap_http_exceptions(app: Flask) -> None:
    app.config["TRAP_HTTP_EXCEPTIONS"] = True


def answer_before(app: Flask) -> None:
    app.before_request(lambda: ("login", 401) if request.path == "/dict" else None)


def raise_before(app: Flask) -> None:
    @app.before_request
    def before() -> None:
        if request.path == "/class":
            raise LookupError("before")


def change_after(app: Flask) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        response.headers["X-After"] = str(response.status_code)
        if response.status_code == 500:
            response.status_code = 502
        return response


def raise_after(app: Flask) -> None:
    @app.after_request
    def after(_: Response) -> Response:
        raise LookupError("after")


def raise_teardown(app: Flask) -> None:
    @app.teardown_request
    def teardown(_: object) -> None:
        if request.path == "/class":
            raise LookupError("teardown")


def raise_teardown_of_app(app: Flask) -> None:
    @app.before_request
    def before() -> None:
        g.fails = request.path == "/class"

    @app.teardown_appcontext
    def teardown(_: object) -> None:
        if g.get("fails"):
            raise LookupError("teardown of the app context")


def handle_everything(app: Flask) -> None:
    @app.errorhandler(Exception)
    def on_error(error: Exception) -> tuple[dict[str, str], int]:
        status = error.code if isinstance(error, HTTPException) and error.code else 500
        return {"error": type(error).__name__, "message": str(error)}, status


def handle_as_client_error(app: Flask) -> None:
    app.errorhandler(LookupError)(lambda error: ({"error": str(error)}, 400))


def handle_server_errors(app: Flask) -> None:
    @app.errorhandler(InternalServerError)
    def on_error(error: InternalServerError) -> tuple[str, int]:
        return f"sorry: {error.original_exception!r}", 500


def handle_badly(app: Flask) -> None:
    @app.errorhandler(LookupError)
    def on_error(error: Exception) -> str:
        raise TypeError("in the error handler") from error


def handle_with_nothing(app: Flask) -> None:
    app.errorhandler(LookupError)(lambda _: None)  # type: ignore[type-var]  # the mistake


def raise_in_signal(app: Flask) -> None:
    def receive(*_: object, **__: object) -> None:
        raise LookupError("in a receiver")

    got_request_exception.connect(receive, app, weak=False)


def wrap(app: Flask) -> None:
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:  # noqa: ANN401 - WSGI's own types
        environ["PATH_INFO"] = "/class" if environ["PATH_INFO"] == "/dict" else environ["PATH_INFO"]
        return inner(environ, start_response)

    app.wsgi_app = middleware  # type: ignore[method-assign]  # as Flask documents


def mount(app: Flask) -> None:
    admin = Flask("admin")
    admin.get("/")(lambda: "admin")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/missing": admin})  # type: ignore[method-assign]  # as Flask documents


def call_itself(app: Flask) -> None:
    @app.before_request
    def call() -> None:
        if request.path == "/class" and "nested" not in request.args:
            app.config["CALLS"] = 2
            client = app.test_client()
            client.get("/stream?nested")  # never closed
            with client:
                client.get("/dict?nested")


def instrument(app: Flask) -> None:
    FlaskInstrumentor().instrument_app(app)  # type: ignore[no-untyped-call]  # it has no annotations


def instrument_around(app: Flask) -> None:
    app.wsgi_app = OpenTelemetryMiddleware(app.wsgi_app)  # type: ignore[method-assign]  # as Flask documents


Change = Callable[[Flask], None]
CHANGES: Final[tuple[Change, ...]] = (
    *(nothing, propagate, testing, trap_http_exceptions, answer_before, raise_before, change_after, raise_after),
    *(raise_teardown, raise_teardown_of_app, handle_everything, handle_as_client_error, handle_server_errors),
    *(handle_badly, handle_with_nothing, raise_in_signal, wrap, mount, call_itself, instrument, instrument_around),
)
COMBINATIONS: Final = [
    *((each,) for each in CHANGES),
    *random.Random(SEED).sample(list(combinations(CHANGES[1:], 2)), PAIRS),
]


def new_app(cls: type[Flask], changes: tuple[Change, ...], observed: str) -> Flask:
    app = cls("shop")
    app.logger.disabled = True
    if observed == "first":
        init_app(app, Settings.from_env(SETTINGS))
    add_views(app)
    for each in changes:
        each(app)
    if observed == "last":
        init_app(app, Settings.from_env(SETTINGS))
    return app


def outcome(app: Flask, path: str) -> Outcome:
    try:
        with app.test_client(use_cookies=False).get(path, buffered=True) as response:
            headers = [each for each in response.headers if each[0] not in OWN_HEADERS]
            return Outcome(response.status_code, tuple(headers), response.data)
    except BaseException:  # noqa: BLE001 - what a server answers with a 500
        return Outcome(500)


@pytest.mark.parametrize("changes", COMBINATIONS, ids=lambda changes: "-".join(each.__name__ for each in changes))
@pytest.mark.parametrize("observed", ["first", "last"])
@pytest.mark.parametrize("cls", [Flask, Shop])
@pytest.mark.usefixtures("socket_enabled")
def test_a_client_gets_the_same_and_each_request_is_one_trace(
    cls: type[Flask], changes: tuple[Change, ...], observed: str
) -> None:
    bare, app = new_app(cls, changes, "never"), new_app(cls, changes, observed)
    recorder, differences = SpanRecorder(app), {}
    for path in PATHS:
        expected = outcome(bare, path)
        recorder.take()  # OpenTelemetry's instrumentation records the bare app too
        actual = outcome(app, path)
        telemetry_of(app).open_requests.finish_unclosed()
        if expected == Outcome(500):  # telemetry answers what leaves the app, unless that is meant
            actual = Outcome(actual.status)
        servers = [each for each in recorder.take() if each.kind is SpanKind.SERVER]
        traces = {each.context.trace_id for each in servers if each.context is not None}
        requests = 1 + app.config.pop("CALLS", 0)
        if observed == "first" and mount in changes and path == "/missing":
            requests = 0  # it does not reach the app
        if expected != actual or (len(servers), len(traces)) != (requests, requests):
            differences[path] = expected, actual, len(servers), len(traces)
    app.extensions[EXTENSION].shutdown(0.1)
    assert differences == {}
