"""Each extra alone brings all that its sink needs, and no more."""

from __future__ import annotations

import json

import pytest

from tests.package.conftest import InstallExtra
from tests.package.test_without_extras import APP, DRIVER, ENDPOINT, SDKS, SETTINGS

pytestmark = pytest.mark.timeout(600)

CLOSED_PORT = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "ROLLBAR_ENDPOINT": "http://127.0.0.1:9/api/1/",
    "AWS_ACCESS_KEY_ID": "fake",
    "AWS_SECRET_ACCESS_KEY": "fake",
    "AWS_REGION": "us-east-1",
    "TELEMETRY_SHUTDOWN_DEADLINE": "0.2",
}
BROUGHT = {
    "rollbar": {"rollbar"},
    "cloudwatch": {"boto3", "botocore", "watchtower"},
    "xray": {"aws-xray-sdk", "botocore"},
    "honeycomb": {"protobuf"},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_extra_of_a_sink_turns_it_on(setting: str, install_extra: InstallExtra) -> None:
    sink, extra, value = SETTINGS[setting]
    installation = install_extra(extra)
    assert installation.versions().keys() & SDKS == BROUGHT[extra]
    program = DRIVER.replace("assert telemetry.shutdown()", "telemetry.shutdown()")
    process = installation.run(program, {**CLOSED_PORT, **(ENDPOINT if sink == "honeycomb" else {}), setting: value})
    status, _, sinks, _ = json.loads(process.stdout)
    assert status == 200
    assert sinks[sink] == {"on": True}
    assert "pip install" not in process.stderr


def test_the_extra_for_browsers_turns_the_relay_on(install_extra: InstallExtra) -> None:
    program = f"""{APP}
from flask_onetrace.relay import routes
routes.register(app, flask_onetrace.Settings.from_env({{"OTEL_SERVICE_NAME": "shop"}}))
resource = {{"attributes": [{{"key": "service.name", "value": {{"stringValue": "shop-frontend"}}}}]}}
spans = {{"resourceSpans": [{{"resource": resource, "scopeSpans": []}}]}}
response = app.test_client().post("/v1/traces", json=spans, headers={{"Origin": "http://localhost"}})
print(json.dumps([response.status_code, response.json]))
"""
    assert install_extra("honeycomb").result(program) == [200, {}]


def test_the_extra_of_a_load_balancer_verifies_its_claims(install_extra: InstallExtra) -> None:
    variables = {
        "ALB_ARN": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop/50dc6c495c0c9188",
        "ALB_OIDC_ISSUER": "https://idp.example.com",
        "ALB_OIDC_CLIENT_ID": "shop",
    }
    program = f"""{APP}
response = app.test_client().get("/items", headers={{"X-Amzn-Oidc-Data": "forged"}}, buffered=True)
print(json.dumps([response.status_code, telemetry.config.user_of.detail()]))
"""
    process = install_extra("alb").run(program, variables)
    assert json.loads(process.stdout) == [200, {"verified": 0, "refused": {"malformed": 1}}]
    assert "pip install" not in process.stderr
