from __future__ import annotations

import json
from typing import Any

import pytest
import requests
import rollbar as stock

from local.fakes import rollbar
from tests.local.fakes.conftest import Serve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

TOKEN = "fake-rollbar-token-51aa"
TRACE_ID = "6553f1000123456789abcdef01234567"


def item(**data: object) -> dict[str, Any]:
    return {"access_token": TOKEN, "data": {"body": {"message": {"body": "hello"}}} | data}


def items_of(url: str, trace_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = requests.get(f"{url}/items", params={"trace_id": trace_id}, timeout=60).json()
    return items


def test_items_of_the_stock_client_are_returned_by_trace_id(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url = serve(rollbar.create_app())
    monkeypatch.setitem(stock.SETTINGS, "endpoint", f"{url}/api/1/")
    payload = item(uuid="12345678123456781234567812345678", custom={"trace_id": TRACE_ID})

    result = stock._post_api("item/", json.dumps(payload), access_token=TOKEN)  # type: ignore[no-untyped-call] # untyped

    assert result.data == {"id": None, "uuid": "12345678123456781234567812345678"}
    [stored] = items_of(url, TRACE_ID)
    assert stored["body"]["message"]["body"] == "hello"
    assert items_of(url, "0" * 31 + "1") == []


def test_items_with_a_top_level_trace_id_are_returned_by_trace_id(serve: Serve) -> None:
    url = serve(rollbar.create_app())

    requests.post(f"{url}/api/1/item/", json=item(trace_id=TRACE_ID.upper()), timeout=60)

    assert len(items_of(url, TRACE_ID)) == 1


def test_the_token_is_redacted_from_stored_items(serve: Serve) -> None:
    url = serve(rollbar.create_app())
    payload = item(custom={"trace_id": TRACE_ID, "text": f"token={TOKEN}"}, access_token=TOKEN)

    requests.post(f"{url}/api/1/item/", json=payload, timeout=60)

    stored = requests.get(f"{url}/items", timeout=60).text
    assert TRACE_ID in stored
    assert TOKEN not in stored


def test_an_item_without_a_token_is_rejected(serve: Serve) -> None:
    url = serve(rollbar.create_app())

    response = requests.post(f"{url}/api/1/item/", json={"data": {}}, timeout=60)

    assert (response.status_code, response.json()["err"]) == (401, 1)
    assert requests.get(f"{url}/items", timeout=60).json() == []


@pytest.mark.parametrize("body", ["no json", "[]", '{"access_token": "x"}', '{"access_token": "x", "data": 1}'])
def test_a_payload_without_an_item_is_rejected(serve: Serve, body: str) -> None:
    url = serve(rollbar.create_app())

    assert requests.post(f"{url}/api/1/item/", data=body, timeout=60).status_code == 422


def test_the_oldest_items_are_evicted(serve: Serve) -> None:
    url = serve(rollbar.create_app(capacity=2))
    for number in range(4):
        requests.post(f"{url}/api/1/item/", json=item(number=number), timeout=60)

    assert [stored["number"] for stored in requests.get(f"{url}/items", timeout=60).json()] == [3, 2]


@pytest.mark.parametrize("value", [10**30, -(10**30), "\ud800", {"\ud800": [10**30]}])
def test_what_json_may_hold_and_an_encoder_may_not_write_is_stored(serve: Serve, value: object) -> None:
    url = serve(rollbar.create_app())

    response = requests.post(
        f"{url}/api/1/item/", data=json.dumps(item(custom={"trace_id": TRACE_ID, "value": value})), timeout=60
    )

    assert response.status_code == 200
    [stored] = items_of(url, TRACE_ID)
    assert "value" in stored["custom"]
