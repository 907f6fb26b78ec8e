"""The application's own logging stays as it is: its handlers, its level, and those of other apps in the process."""

from __future__ import annotations

import io
import logging
import logging.config
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from flask import Flask, request

from flask_onetrace.contract import ACCESS_LOGGER
from flask_onetrace.telemetry.safe_logging import safe_logger
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import flush, get, telemetry_of

shop = logging.getLogger("application_logging.shop")


class Messages(logging.Handler):
    """A handler of the application's, on the root logger."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def observed(make_app: AppFactory, backends: FakeBackends, **variables: str) -> Flask:
    app = make_app({**backends.environment, "LOG_CONSOLE": "false", **variables})

    @app.get("/speak")
    def speak() -> str:
        shop.debug("basket 7")
        shop.info("paid")
        shop.warning("low on tea")
        return "spoken"

    @app.get("/fail")
    def fail() -> NoReturn:
        raise LookupError("no tea")

    return app


def lines(app: Flask, backends: FakeBackends, path: str = "/speak") -> list[str]:
    response = get(app, path)
    flush(app)
    return [line["message"] for line in backends.lines_of(response.trace_id)]


def test_a_handler_of_the_root_logger_gets_no_access_line(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger
) -> None:
    mail = Messages(logging.ERROR)
    root.addHandler(mail)
    app = observed(make_app, backends)
    response = get(app, "/fail")
    flush(app)
    assert mail.messages == ["Exception on /fail [GET]"]
    assert len(eventually(lambda: backends.lines_of(response.trace_id), 2)) == 2


def test_a_root_logger_that_passes_more_than_the_sinks_take_still_does(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger
) -> None:
    debug = Messages()
    root.setLevel(logging.DEBUG)
    root.addHandler(debug)
    app = observed(make_app, backends)
    assert lines(app, backends) == ["paid", "low on tea", "GET /speak 200"]
    assert [each for each in debug.messages if each in {"basket 7", "paid"}] == ["basket 7", "paid"]


def replace_by_basic_config(handler: logging.Handler) -> None:
    logging.basicConfig(force=True, handlers=[handler], level=logging.WARNING)


def replace_by_dict_config(handler: logging.Handler) -> None:
    config = {"version": 1, "disable_existing_loggers": False, "root": {"level": "WARNING", "handlers": []}}
    logging.config.dictConfig(config)
    logging.getLogger().addHandler(handler)


def clear(handler: logging.Handler) -> None:
    logging.getLogger().handlers.clear()
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)


def assign(handler: logging.Handler) -> None:
    logging.getLogger().handlers = [handler]
    logging.getLogger().setLevel(logging.WARNING)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("configure", [replace_by_basic_config, replace_by_dict_config, clear, assign])
def test_handlers_have_the_applications_level_and_the_sinks_their_own_whichever_comes_first(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger, configure: object, when: str
) -> None:
    assert callable(configure)
    handler = Messages()
    if when == "before":
        configure(handler)
    app = observed(make_app, backends)
    if when == "after":
        configure(handler)
    assert lines(app, backends) == ["paid", "low on tea", "GET /speak 200"]
    assert root.handlers == [handler]
    assert [each for each in handler.messages if each in {"basket 7", "paid", "low on tea"}] == ["low on tea"]


def test_a_logger_with_a_level_of_its_own_keeps_it_for_the_applications_handlers(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "level", logging.INFO)
    handler = Messages()
    root.setLevel(logging.WARNING)
    root.addHandler(handler)
    assert lines(observed(make_app, backends), backends) == ["paid", "low on tea", "GET /speak 200"]
    assert [each for each in handler.messages if each in {"basket 7", "paid", "low on tea"}] == ["paid", "low on tea"]


def test_basic_config_after_the_app_was_created_has_its_effect(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger
) -> None:
    root.handlers.clear()
    observed(make_app, backends)
    handler = Messages()
    logging.basicConfig(handlers=[handler])
    assert root.handlers == [handler]
    assert root.hasHandlers()


def test_a_record_factory_that_needs_a_request_breaks_nothing_outside_of_one(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger
) -> None:
    factory, handler = logging.getLogRecordFactory(), Messages()

    def with_path(*args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: ANN401 - those of `logging.LogRecord`
        record = factory(*args, **kwargs)
        record.path_of_request = request.path
        return record

    access_logger = logging.getLogger(ACCESS_LOGGER)
    root.addHandler(handler)
    access_logger.addHandler(handler)
    logging.setLogRecordFactory(with_path)
    try:
        app = observed(make_app, backends)
        safe_logger("flask_onetrace.outside").warning("outside of %s", "a request")
        assert lines(app, backends) == ["paid", "low on tea", "GET /speak 200"]
    finally:
        logging.setLogRecordFactory(factory)
        access_logger.removeHandler(handler)
    [line] = backends.lines_outside_requests("flask_onetrace.outside")
    assert line["message"] == "outside of a request"


def test_standard_error_that_is_closed_breaks_no_request(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.handlers.clear()  # pytest's own would write there too
    for name in ("stderr", "stdout"):
        stream = io.TextIOWrapper(io.BytesIO())
        stream.close()
        monkeypatch.setattr(sys, name, stream)
    app = make_app({**backends.environment, "LOG_CONSOLE": "true", "OTEL_TRACES_EXPORTER": "otlp,console"})
    response = get(app, "/api/activities/home")
    telemetry_of(app).flush(5)
    assert response.status == 200
    assert [line["status"] for line in backends.lines_of(response.trace_id)] == [200]


def test_each_app_has_its_own_level(make_app: AppFactory, backends: FakeBackends) -> None:
    verbose, quiet = observed(make_app, backends), observed(make_app, backends, LOG_LEVEL="ERROR")
    assert lines(verbose, backends) == ["paid", "low on tea", "GET /speak 200"]
    assert lines(quiet, backends) == []
    assert lines(quiet, backends, "/fail") == ["Exception on /fail [GET]", "GET /fail 500"]


def test_the_level_of_the_root_logger_is_the_applications_again_after_its_end(
    make_app: AppFactory, backends: FakeBackends, root: logging.Logger
) -> None:
    root.setLevel(logging.WARNING)
    app = observed(make_app, backends, LOG_LEVEL="DEBUG")
    assert root.level == logging.DEBUG
    app.extensions["onetrace"].shutdown()
    assert root.level == logging.WARNING
