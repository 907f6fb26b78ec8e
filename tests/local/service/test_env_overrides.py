from __future__ import annotations

from local.backing_services.emulated_aws import EmulatedAws
from local.service.env_overrides import differences, rewiring
from local.workspace.state import StandInPorts
from service.contract import Variable

REWIRED = rewiring(EmulatedAws(4566), StandInPorts(honeycomb=1001, rollbar=1002, daemon=1003), 1004)


def test_the_rewiring_is_exactly_the_addresses_and_the_role_credentials() -> None:
    assert REWIRED == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local-fake-key-id",
        "AWS_SECRET_ACCESS_KEY": "local-fake-key",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:1003",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1001",
        "ROLLBAR_ENDPOINT": "http://127.0.0.1:1002/api/1/",
        "BIND_HOST": "127.0.0.1",
        "PORT": "1004",
    }


def test_only_what_differs_is_told_with_what_was_deployed() -> None:
    said = {Variable.PORT: "4567", Variable.AWS_REGION: "us-east-1", "HONEYCOMB_API_KEY": "fake"}

    told = differences(said, REWIRED)

    assert "PORT=1004 (deployed: 4567)" in told
    assert "BIND_HOST=127.0.0.1 (added)" in told
    assert not [line for line in told if line.startswith(("AWS_REGION", "HONEYCOMB_API_KEY"))]
