"""The application's own logging stays as it is: its handlers, its level, and those of other apps in the process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NoReturn

import pytest
from flask import Flask

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import flush, get

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
