"""One name of the service gives its segments, its metrics and its page their names, unless they have their own."""

from __future__ import annotations

import pytest

from flask_onetrace.settings import Settings
from flask_onetrace.telemetry_config import telemetry_config
from tests.unit.settings_messages import messages_of


def names(settings: Settings) -> tuple[str, ...]:
    return (
        settings.service_name,
        settings.xray_service_name,
        settings.frontend_service_name,
        settings.metrics_namespace,
    )


def test_everything_is_named_after_the_service() -> None:
    settings = Settings.from_env({"OTEL_SERVICE_NAME": "orders", "DEPLOYMENT_ENVIRONMENT": "prod"})
    assert names(settings) == ("orders", "orders", "orders-frontend", "orders-prod/Telemetry")
    config = telemetry_config(settings)
    assert config.service_name == config.sampling.service_name == "orders"
    assert config.drop_metric is not None
    assert config.drop_metric.namespace == "orders-prod/Telemetry"


def test_each_name_can_be_another() -> None:
    own = {
        "AWS_XRAY_TRACING_NAME": "orders-prod",
        "FRONTEND_SERVICE_NAME": "Shop",
        "METRICS_NAMESPACE": "Shop/Metrics",
    }
    settings = Settings.from_env({"OTEL_SERVICE_NAME": "orders", **own})
    assert names(settings) == ("orders", *own.values())


def test_a_service_without_a_name_has_that_of_its_app() -> None:
    settings = Settings.from_env({})
    assert names(settings) == (
        *("unknown_service", "unknown_service", "unknown_service-frontend", "unknown_service-local/Telemetry"),
    )
    assert names(settings.named_after("shop")) == ("shop", "shop", "shop-frontend", "shop-local/Telemetry")
    assert names(Settings.from_env({"OTEL_SERVICE_NAME": "orders"}).named_after("shop"))[0] == "orders"


def test_what_a_segment_or_a_namespace_cannot_have_is_left_out_of_its_name() -> None:
    settings = Settings.from_env({"OTEL_SERVICE_NAME": "orders (EU) ✓", "DEPLOYMENT_ENVIRONMENT": "eu:1/blue green"})
    _, segment, _, namespace = names(settings)
    assert segment == "orders EU "
    assert namespace == "orders--EU----eu:1-blue-green/Telemetry"
    assert Settings.from_env({"METRICS_NAMESPACE": namespace}).metrics_namespace == namespace


@pytest.mark.parametrize(("service", "environment"), [("✓" * 255, ":"), (":x", "e" * 400), ("AWS/orders", "prod")])
def test_a_derived_namespace_is_one_that_cloudwatch_accepts(service: str, environment: str) -> None:
    settings = Settings.from_env({"OTEL_SERVICE_NAME": service, "DEPLOYMENT_ENVIRONMENT": environment})
    namespace = settings.metrics_namespace
    assert Settings.from_env({"METRICS_NAMESPACE": namespace}).metrics_namespace == namespace


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("OTEL_SERVICE_NAME", "two\nlines", "printable characters"),
        ("FRONTEND_SERVICE_NAME", "x" * 256, "up to 255"),
        ("METRICS_NAMESPACE", "AWS/Orders", "as `Orders/Telemetry`"),
        ("METRICS_NAMESPACE", "two words", "as `Orders/Telemetry`"),
        ("HEALTH_CHECK_PATH", "healthz", "set for example `/healthz`"),
        ("HEALTH_CHECK_PATH", "/healthz?full", "without host and query"),
        ("USER_HEADER", "X_User", "as `X-User`"),
        ("USER_HEADER", "X-User:", "as `X-User`"),
        ("AWS_DEFAULT_REGION", "here", "set for example `us-east-1`"),
    ],
)
def test_a_malformed_name_is_rejected_with_its_variable_and_a_remedy(name: str, value: str, remedy: str) -> None:
    [problem] = messages_of({name: value})
    assert problem.startswith(f"{name}: ")
    assert remedy in problem


@pytest.mark.parametrize(
    ("variables", "region"),
    [
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        ({"AWS_REGION": " ", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
    ],
)
def test_the_region_is_that_of_either_variable(variables: dict[str, str], region: str) -> None:
    assert Settings.from_env(variables).aws_region == region


def test_the_health_check_and_the_users_header_are_settings() -> None:
    settings = Settings.from_env(
        {"HEALTH_CHECK_PATH": "/healthz", "USER_HEADER": "X-Shop-User", "TRUST_USER_HEADER": "true"}
    )
    config = telemetry_config(settings)
    assert "/healthz" in config.quiet_paths
    assert config.user_of is not None
    assert config.user_of({"HTTP_X_SHOP_USER": "worf"}) == "worf"
    untrusted = Settings.from_env({"USER_HEADER": "X-Shop-User"})
    assert telemetry_config(untrusted).user_of is None
