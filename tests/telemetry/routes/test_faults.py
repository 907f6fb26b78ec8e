"""The routes that report and raise errors on purpose are only where the settings allow them."""

from __future__ import annotations

import pytest
from flask import Flask

from infra.environments import ENVIRONMENTS
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory

ROUTES = ("/rollbar/test", "/api/fault")


def test_the_tutorials_message_reaches_rollbar_where_fault_routes_are_on(
    rollbar_app: Flask, backends: FakeBackends
) -> None:
    response = rollbar_app.test_client().get("/rollbar/test", buffered=True)
    assert (response.status_code, response.text) == (200, "Hello World!")
    [item] = eventually(lambda: backends.items(response.headers["X-Trace-Id"]), 1)
    assert item["level"] == "warning"


@pytest.mark.parametrize("setting", [{}, {"FAULT_ROUTES": "false"}])
def test_neither_route_exists_where_they_are_off(
    make_app: AppFactory, backends: FakeBackends, setting: dict[str, str]
) -> None:
    app = make_app({**backends.rollbar, "LOG_CONSOLE": "false", **setting})
    statuses = {
        app.test_client().open(route, method=method).status_code for route in ROUTES for method in ("GET", "POST")
    }
    assert statuses <= {404, 405}
    assert not [rule for rule in app.url_map.iter_rules() if rule.rule in ROUTES]


def test_production_has_them_off_and_the_tutorials_environments_have_them_on() -> None:
    assert {each.name: each.fault_routes for each in ENVIRONMENTS.values()} == {
        "local": True,
        "dev": True,
        "prod": False,
    }
