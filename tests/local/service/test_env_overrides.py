from __future__ import annotations

from flask_onetrace.contract import Variable
from local.backing_services.emulated_aws import EmulatedAws
from local.service.env_overrides import differences, env_overrides
from local.workspace.state import FakePorts

TRACE_URL = "http://127.0.0.1:1005/traces/{trace_id}"
OVERRIDES = env_overrides(
    EmulatedAws(4566), FakePorts(honeycomb=1001, honeycomb_eu=1009, rollbar=1002, daemon=1003), 1004, "shop", TRACE_URL
)


def test_the_overrides_are_addresses_and_credentials_only() -> None:
    assert OVERRIDES == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local-fake-key-id",
        "AWS_SECRET_ACCESS_KEY": "local-fake-key",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:1003",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1001",
        "ROLLBAR_ENDPOINT": "http://127.0.0.1:1002/api/1/",
        "TRACE_URL": TRACE_URL,
        "BIND_HOST": "127.0.0.1",
        "PORT": "1004",
        "FLASK_APP": "shop",
    }


def test_only_differences_are_listed_with_the_deployed_value() -> None:
    deployed = {Variable.PORT: "4567", Variable.AWS_REGION: "us-east-1", "HONEYCOMB_API_KEY": "fake"}

    lines = differences(deployed, OVERRIDES)

    assert "PORT=1004 (deployed: 4567)" in lines
    assert "BIND_HOST=127.0.0.1 (added)" in lines
    assert not [line for line in lines if line.startswith(("AWS_REGION", "HONEYCOMB_API_KEY"))]
