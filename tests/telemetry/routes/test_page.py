"""The page: security policy, caching, server timing and the user header."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from flask_onetrace.settings import Settings
from service.routes import page
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory

RELAY_TAG = '<meta name="browser-relay" content="on">'
TRACE_URL_TAG = '<meta name="trace-url" content="">'
TAGS = RELAY_TAG + TRACE_URL_TAG
INDEX = f'<!doctype html><meta name="service-version" content="unknown">{TAGS}<title>Cruddur</title>'


@pytest.fixture
def page_build(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX, encoding="utf-8")
    (tmp_path / "assets" / "index-Ab12.js").write_text("export {};", encoding="utf-8")
    return tmp_path


def app_with_page(page_build: Path, version: str = "1.2.3", **variables: str) -> Flask:
    app = Flask("page-alone", static_folder=None)
    page.register(app, Settings.from_env({"SERVICE_VERSION": version, **variables}), page_build)
    return app


def test_the_page_carries_its_version_and_is_revalidated_each_time(page_build: Path) -> None:
    response = app_with_page(page_build, '1"<2').test_client().get("/")
    assert response.status_code == 200
    assert 'content="1&quot;&lt;2"' in response.text
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(("setting", "content"), [("true", "on"), ("false", "off"), ("", "on")])
def test_the_page_is_told_whether_its_spans_are_relayed(setting: str, content: str, page_build: Path) -> None:
    text = app_with_page(page_build, BROWSER_RELAY=setting).test_client().get("/").text
    assert f'<meta name="browser-relay" content="{content}">' in text


def test_the_page_is_told_where_a_trace_is_shown(page_build: Path) -> None:
    text = app_with_page(page_build, TRACE_URL="https://ui.example.com/?a=1&b={trace_id}").test_client().get("/").text
    assert '<meta name="trace-url" content="https://ui.example.com/?a=1&amp;b={trace_id}">' in text
    assert TRACE_URL_TAG in app_with_page(page_build).test_client().get("/").text


@pytest.mark.parametrize("tag", [RELAY_TAG, TRACE_URL_TAG])
def test_the_source_of_the_page_has_the_tag_that_is_replaced(tag: str) -> None:
    assert tag in Path("service/web/index.html").read_text(encoding="utf-8")


def test_assets_are_immutable_and_have_the_media_type_that_browsers_run(page_build: Path) -> None:
    response = app_with_page(page_build).test_client().get("/assets/index-Ab12.js", buffered=True)
    assert response.status_code == 200
    assert set(response.headers["Cache-Control"].split(", ")) >= {"public", "max-age=31536000", "immutable"}
    assert response.mimetype == "text/javascript"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/index.html"])
def test_an_unknown_asset_is_not_found(path: str, page_build: Path) -> None:
    assert app_with_page(page_build).test_client().get(path).status_code == 404


def test_a_missing_build_names_the_command_to_run(tmp_path: Path) -> None:
    response = app_with_page(tmp_path).test_client().get("/")
    assert response.status_code == 404
    assert "make setup" in response.text


def test_each_response_carries_server_timing(app: Flask) -> None:
    header = app.test_client().get("/api/activities/home").headers["Server-Timing"]
    match = re.fullmatch(r"app;dur=(\d+\.\d\d)", header)
    assert match, header
    assert 0 < float(match[1]) < 5_000


@pytest.mark.parametrize(("trusted", "user"), [("true", "worf"), ("false", None)])
def test_the_user_header_is_used_only_when_trusted(
    trusted: str, user: str | None, make_app: AppFactory, backends: FakeBackends
) -> None:
    app = make_app({**backends.environment, "TRUST_USER_HEADER": trusted})
    response = app.test_client().get("/api/activities/home", headers={"X-Cruddur-User": "worf"}, buffered=True)
    trace_id = response.headers["X-Trace-Id"]
    spans = eventually(lambda: backends.spans(trace_id), 2)
    server = next(each for each in spans if each["name"] == "GET /api/activities/home")
    assert server["attributes"].get("user.id") == user
    assert eventually(lambda: backends.lines_of(trace_id), 1)[0].get("user_id") == user
