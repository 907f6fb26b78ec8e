"""A test can make a fake refuse keys, or fail, as the products do."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import requests

from local.fakes import honeycomb, rollbar
from tests.local.fakes.conftest import Serve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
Send = Callable[[str, str], requests.Response]


def send_spans(url: str, key: str) -> requests.Response:
    headers = {"x-honeycomb-team": key}
    return requests.post(f"{url}/v1/traces", json={"resourceSpans": []}, headers=headers, timeout=10)


def read_honeycomb(url: str, key: str) -> requests.Response:
    return requests.get(f"{url}/1/auth", headers={"x-honeycomb-team": key}, timeout=10)


def send_item(url: str, key: str) -> requests.Response:
    return requests.post(f"{url}/api/1/item/", json={"access_token": key, "data": {"body": {}}}, timeout=10)


def read_rollbar(url: str, key: str) -> requests.Response:
    return requests.get(f"{url}/api/1/instances/", headers={"X-Rollbar-Access-Token": key}, timeout=10)


PRODUCTS = {
    "honeycomb": (honeycomb.create_app, send_spans, read_honeycomb),
    "rollbar": (rollbar.create_app, send_item, read_rollbar),
}


def settings(url: str, **values: object) -> int:
    return requests.post(f"{url}/settings", json=values, timeout=10).status_code


@pytest.mark.parametrize("product", PRODUCTS)
def test_keys_are_refused_for_sending_and_for_reading(serve: Serve, product: str) -> None:
    create, send, read = PRODUCTS[product]
    url = serve(create())
    assert (send(url, "any").status_code, read(url, "any").status_code) == (200, 200)

    settings(url, accepted_keys=["good"], accepted_read_keys=["reader"])
    assert [send(url, key).status_code for key in ("good", "bad", "reader")] == [200, 401, 401]
    assert [read(url, key).status_code for key in ("reader", "good")] == [200, 401]

    settings(url)
    assert (send(url, "any").status_code, read(url, "any").status_code) == (200, 200)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_mode_fails_the_products_own_routes(serve: Serve, product: str) -> None:
    create, send, read = PRODUCTS[product]
    url = serve(create())
    for mode, status in (("unavailable", 503), ("reject", 400), ("ok", 200)):
        assert settings(url, mode=mode) == 200
        assert (send(url, "any").status_code, read(url, "any").status_code) == (status, status)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_request_hangs_until_the_mode_changes(serve: Serve, product: str) -> None:
    create, send, _ = PRODUCTS[product]
    url = serve(create())
    settings(url, mode="hang")
    responses: list[requests.Response] = []
    thread = threading.Thread(target=lambda: responses.append(send(url, "any")))
    thread.start()
    thread.join(0.5)
    assert responses == []

    settings(url)
    thread.join(10)
    assert [each.status_code for each in responses] == [200]


@pytest.mark.parametrize("values", [{"mode": "slow"}, {"accepted_keys": "all"}, {"other": 1}])
def test_other_settings_are_refused(serve: Serve, values: dict[str, object]) -> None:
    assert settings(serve(honeycomb.create_app()), **values) == 422
