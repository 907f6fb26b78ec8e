"""An app with telemetry is freed when nothing refers to it, and its telemetry ends with it."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.test import Client

from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION, Telemetry
from flask_onetrace.telemetry_config import telemetry_config
from tests.telemetry.backends import FakeBackends, eventually

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class CustomFlask(Flask):
    """A Flask class of an application's own."""


@pytest.fixture(autouse=True)
def _no_garbage_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()
    gc.collect()  # an app in a cycle would look for its daemon for as long as other tests run


def traced(app: Flask, variables: dict[str, str]) -> Flask:
    @app.get("/x")
    def handler() -> str:
        return "ok"

    Telemetry(telemetry_config(Settings.from_env(variables))).install(app)
    return app


@pytest.fixture
def variables(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in backends.aws.items():
        monkeypatch.setenv(name, value)
    return backends.environment


@pytest.mark.parametrize("kind", [Flask, CustomFlask])
def test_an_app_is_freed_without_garbage_collection_after_its_requests(
    kind: type[Flask], variables: dict[str, str]
) -> None:
    app = traced(kind("app"), variables)
    assert isinstance(app, kind)
    assert type(app).__name__ == kind.__name__
    assert app.test_client().get("/x").status_code == 200
    reference = weakref.ref(app)
    del app
    assert reference() is None


def test_the_queues_of_a_freed_app_are_sent_and_its_threads_end(
    backends: FakeBackends, variables: dict[str, str]
) -> None:
    before = set(threading.enumerate())
    app = traced(Flask("app"), variables)
    with app.test_client().get("/x") as response:
        trace_id = response.headers["X-Trace-Id"]
    del app, response
    assert len(eventually(lambda: backends.spans(trace_id), 1)) == 1
    assert len(eventually(lambda: backends.segments_of(trace_id), 1)) == 1
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("telemetry-"):
            thread.join(10)
            assert not thread.is_alive(), thread.name


def test_a_telemetry_that_was_shut_down_does_not_end_again(variables: dict[str, str]) -> None:
    app = traced(Flask("app"), variables)
    app.extensions[EXTENSION].shutdown()
    before = set(threading.enumerate())
    del app
    assert set(threading.enumerate()) <= before


def test_the_wsgi_app_alone_keeps_its_app_alive(backends: FakeBackends, variables: dict[str, str]) -> None:
    client = Client(traced(Flask("app"), variables).wsgi_app)
    with client.get("/x") as response:
        trace_id = response.headers["X-Trace-Id"]
    assert len(eventually(lambda: backends.spans(trace_id), 1)) == 1


def test_a_middleware_installed_before_is_traced_too(variables: dict[str, str]) -> None:
    app = Flask("app")
    inner = app.wsgi_app

    def reject(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/rejected":
            start_response("403 FORBIDDEN", [])
            return ()
        return inner(environ, start_response)

    app.wsgi_app = reject  # type: ignore[method-assign]
    client = traced(app, variables).test_client()
    for path, status in (("/rejected", 403), ("/x", 200)):
        response = client.get(path)
        assert response.status_code == status
        assert len(response.headers.getlist("X-Trace-Id")) == 1
    app.extensions[EXTENSION].shutdown()
