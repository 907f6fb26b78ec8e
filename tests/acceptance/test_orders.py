"""examples/orders is deployed unchanged: an order with its statements, its queue and its outgoing call is one trace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from local.smoke_test.backends import xray_id
from local.workspace.http_client import direct_client
from tests.acceptance.conftest import Checkout, address_of
from tests.telemetry.backends import eventually
from tests.telemetry.tracing import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(400)]

FOLDER = "examples/orders"
KEY = {"X-Api-Key": "local-api-key"}
SPANS = {
    ("POST /orders", "server"),
    ("INSERT orders", "client"),
    ("POST", "client"),
    ("POST /charges", "server"),
    ("SQS.GetQueueUrl", "client"),
    ("SQS.SendMessage", "client"),
}


def test_an_order_is_one_trace_through_database_queue_and_outgoing_call(checkout: Checkout) -> None:
    result = checkout.run("up", APP=FOLDER)
    assert result.returncode == 0, result.stderr
    url, state = address_of(result.stdout), checkout.recorded()
    assert state.fake_ports is not None
    assert state.gateway_port is not None
    with direct_client() as client:
        response = client.post(f"{url}/orders", json={"item": "tea", "quantity": 2}, headers=KEY, timeout=60)
        assert (response.status_code, response.json()["paid"]) == (201, True)
        trace_id, honeycomb = response.headers["X-Trace-Id"], f"http://127.0.0.1:{state.fake_ports.honeycomb}"

        def spans() -> set[tuple[str, str]]:
            trace = client.get(f"{honeycomb}/traces/{trace_id}", timeout=60).json()
            return {(each["name"], each["kind"]) for each in trace}

        # There are more of them, and those of one request arrive before those of the other.
        assert wait_until(lambda: spans() >= SPANS), SPANS - spans()
    xray = EmulatedAws(state.gateway_port).xray

    def segments() -> list[dict[str, Any]]:
        traces = xray.batch_get_traces(TraceIds=[xray_id(trace_id)])["Traces"]
        return [json.loads(each["Document"]) for trace in traces for each in trace["Segments"]]

    assert {each["name"] for each in eventually(segments, 2)} == {"Orders"}
    routes = checkout.run("run", "flask --app orders:create_app routes", APP=FOLDER)
    assert (routes.returncode, "orders.create" in routes.stdout) == (0, True)
