from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from flask import Flask

from service.factory import create_app
from service.settings import Settings
from service.telemetry import EXTENSION
from tests.telemetry.observatory import Observatory

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
