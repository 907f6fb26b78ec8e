from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask

from service.factory import create_app
from service.settings import Settings
from service.telemetry import EXTENSION
from service.telemetry.sampling.remote import PollingIntervals, RemoteSampler
from tests.telemetry.backends import Observatory
from tests.telemetry.sampling.fake_daemon import Daemon, rule
from tests.telemetry.sampling.samplers import QUICK, Local, SamplerMaker

AppMaker = Callable[[dict[str, str]], Flask]


@pytest.fixture
def observatory(socket_enabled: None) -> Iterator[Observatory]:  # noqa: ARG001 - the receivers are on 127.0.0.1
    with ExitStack() as stack:
        yield Observatory(stack)


@pytest.fixture
def make_app(observatory: Observatory, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppMaker]:
    """Make apps from environment variables; all are shut down at the end."""
    made: list[Flask] = []
    for name, value in observatory.aws.items():
        monkeypatch.setenv(name, value)

    def make(environment: dict[str, str]) -> Flask:
        app = create_app(Settings.from_env(environment))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions[EXTENSION].shutdown()


@pytest.fixture
def app(observatory: Observatory, make_app: AppMaker) -> Flask:
    """An app with every sink on."""
    return make_app({**observatory.environment, "FAULT_ROUTES": "true"})


@pytest.fixture
def traced(make_app: AppMaker, observatory: Observatory) -> Flask:
    """An app that has Honeycomb alone."""
    return make_app({**observatory.honeycomb, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true"})


@pytest.fixture
def errors(make_app: AppMaker, observatory: Observatory) -> Flask:
    """An app that has Rollbar alone."""
    return make_app({**observatory.rollbar, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true"})


@pytest.fixture
def make_sampler() -> Iterator[SamplerMaker]:
    """Make samplers that follow the daemon at an address; all are closed at the end."""
    made: list[RemoteSampler] = []

    def make(address: tuple[str, int], intervals: PollingIntervals = QUICK, **given: Any) -> RemoteSampler:  # noqa: ANN401 - passed on
        made.append(RemoteSampler(address, Local(), intervals=intervals, **given))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def daemon() -> Daemon:
    """A daemon of one rule, which takes every other request."""
    return Daemon(rules=[rule(FixedRate=0.5)])
