from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from flask import Flask
from flask.logging import default_handler

from bench.testbed.application import NAMES
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, root_logger
from flask_onetrace.telemetry.observed_apps import observed_apps
from service.factory import create_app
from tests.telemetry.authentication.key_endpoint import KeyEndpoint
from tests.telemetry.backends import FakeBackends

AppFactory = Callable[[dict[str, str]], Flask]


@pytest.fixture(autouse=True)
def _loggers_as_they_were() -> Iterator[None]:
    """Undo what a test, or its application, has done to loggers: they are the process's.

    Those that it has disabled are enabled, and neither the handlers that it has assigned to the root logger nor the one
    that Flask adds where it sees none decide what the next test's application prints.
    """
    before = {name: logging.getLogger(name).disabled for name in tuple(logging.root.manager.loggerDict)}
    yield
    for name in tuple(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.disabled = before.get(name, False)
        if default_handler in logger.handlers:
            logger.removeHandler(default_handler)
    if vars(logging.getLogger()).pop("has_assigned_handlers", False):
        with observed_apps.lock:
            root_logger.update()


@pytest.fixture
def backends(socket_enabled: None) -> Iterator[FakeBackends]:  # noqa: ARG001 - the back ends listen on 127.0.0.1
    with ExitStack() as stack:
        yield FakeBackends(stack)


@pytest.fixture
def make_app(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppFactory]:
    """Create apps from environment variables, with the application's own names; all are shut down at the end."""
    apps: list[Flask] = []
    for name, value in backends.aws.items():
        monkeypatch.setenv(name, value)

    def make(environment: dict[str, str]) -> Flask:
        app = create_app(Settings.from_env({**NAMES, **environment}))
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions[EXTENSION].shutdown()


@pytest.fixture
def app(backends: FakeBackends, make_app: AppFactory) -> Flask:
    """An app with every sink on."""
    return make_app({**backends.environment, "FAULT_ROUTES": "true"})


@pytest.fixture
def honeycomb_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    """An app with only Honeycomb on."""
    return make_app({**backends.honeycomb, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true"})


@pytest.fixture
def rollbar_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    """An app with only Rollbar on."""
    return make_app({**backends.rollbar, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true"})


@pytest.fixture
def endpoint(socket_enabled: None) -> Iterator[KeyEndpoint]:  # noqa: ARG001 - it listens on 127.0.0.1
    endpoint = KeyEndpoint()
    with closing(endpoint.server):
        yield endpoint
