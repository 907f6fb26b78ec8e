"""`init_app` and the extension object observe an app as `Telemetry.install` does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

import flask_onetrace
from flask_onetrace.extension import SERVER_VARIABLES
from flask_onetrace.telemetry import EXTENSION
from tests.telemetry.backends import FakeBackends, eventually
from tests.unit.settings_messages import messages_of


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setenv("LOG_CONSOLE", "false")
    app = Flask("shop")

    @app.get("/items")
    @app.post("/v1/traces")
    def trace() -> dict[str, str | None]:
        return {"trace": flask_onetrace.trace_id()}

    yield app
    if EXTENSION in app.extensions:
        app.extensions[EXTENSION].shutdown()


def observe_by_function(app: Flask) -> None:
    flask_onetrace.init_app(app)


def observe_by_extension(app: Flask) -> None:
    flask_onetrace.OneTrace(app)


def observe_in_a_factory(app: Flask) -> None:
    extension = flask_onetrace.OneTrace()
    extension.init_app(app)


WAYS = [observe_by_function, observe_by_extension, observe_in_a_factory]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_observes_the_app_by_the_environment_and_names_the_service_after_it(
    way: object, shop: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in backends.honeycomb.items():
        monkeypatch.setenv(name, value)
    assert callable(way)
    way(shop)
    response = shop.test_client().get("/items", buffered=True)
    trace_id = response.headers["X-Trace-Id"]
    assert response.json == {"trace": trace_id}
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert (span["name"], span["resource"]["service.name"]) == ("GET /items", "shop")


def test_settings_of_the_callers_own_are_used_in_place_of_the_environments(shop: Flask) -> None:
    settings = flask_onetrace.Settings.from_env({"OTEL_SERVICE_NAME": "orders", "LOG_CONSOLE": "false"})
    telemetry = flask_onetrace.init_app(shop, settings)
    assert telemetry is shop.extensions[EXTENSION]
    assert telemetry.config.service_name == "orders"


def test_one_extension_object_observes_several_apps(shop: Flask) -> None:
    extension = flask_onetrace.OneTrace()
    other = Flask("other")
    for each in (shop, other):
        extension.init_app(each)
    assert [each.extensions[EXTENSION].config.service_name for each in (shop, other)] == ["shop", "other"]
    other.extensions[EXTENSION].shutdown()


def test_a_path_of_the_apps_own_is_traced_though_the_relays_is_the_same(shop: Flask) -> None:
    flask_onetrace.init_app(shop)
    response = shop.test_client().post("/v1/traces")
    assert response.json == {"trace": response.headers["X-Trace-Id"]}


@pytest.mark.parametrize("again", WAYS)
def test_an_app_that_is_observed_already_is_refused_and_no_thread_is_left(again: object, shop: Flask) -> None:
    flask_onetrace.init_app(shop)
    assert callable(again)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match=r"'shop' already.*call init_app once for each app"):
        again(shop)
    assert threading.active_count() == before


def test_what_is_no_flask_app_is_refused_by_its_type() -> None:
    with pytest.raises(TypeError, match=r"got 'str', which is no Flask app"):
        flask_onetrace.init_app("shop")  # type: ignore[arg-type]  # the mistake


def test_variables_in_place_of_settings_are_refused_with_what_reads_them(shop: Flask) -> None:
    with pytest.raises(TypeError, match=r"got 'dict' as settings: pass Settings\.from_env\(variables\)"):
        flask_onetrace.init_app(shop, {"OTEL_SERVICE_NAME": "orders"})  # type: ignore[arg-type]  # the mistake


def test_a_bad_setting_is_reported_by_variable_value_and_remedy(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_HEADER", "no header")
    with pytest.raises(flask_onetrace.SettingsError, match=r"USER_HEADER: .*no header.*use letters, digits"):
        flask_onetrace.init_app(shop)
    assert EXTENSION not in shop.extensions


def test_variables_that_only_a_server_reads_may_hold_anything(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SERVER_VARIABLES:
        monkeypatch.setenv(name, "https://worf:sentinel-of-the-apps@[shop]/?a b")
    telemetry = flask_onetrace.init_app(shop)
    assert telemetry.redact.text("sentinel-of-the-apps") == "REDACTED"
    assert telemetry.config.unusable_variables == {}
    for name in SERVER_VARIABLES - {"FLASK_APP"}:
        [message] = messages_of({name: "https://worf:sentinel-of-the-apps@[shop]/?a b"})
        assert message.startswith(f"{name}: ")


def test_every_exported_name_can_be_imported_and_no_other() -> None:
    assert {each: bool(getattr(flask_onetrace, each)) for each in flask_onetrace.__all__} == dict.fromkeys(
        flask_onetrace.__all__, True
    )
    assert set(flask_onetrace.__all__) <= set(dir(flask_onetrace))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        flask_onetrace.nothing  # noqa: B018 - the look-up is what is tested
