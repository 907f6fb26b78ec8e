"""The health check's detail is for callers that no proxy forwards."""

from __future__ import annotations

import pytest

from tests.telemetry.conftest import AppFactory

QUIET = {"LOG_CONSOLE": "false"}
FORWARDED = [
    {"X-Forwarded-For": "203.0.113.9"},
    {"X-Forwarded-For": ""},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "example.com"},
    {"Forwarded": "for=203.0.113.9"},
    {"X-Real-IP": "203.0.113.9"},
    {"Via": "1.1 proxy"},
]


def test_a_direct_caller_gets_the_detail(make_app: AppFactory) -> None:
    response = make_app(QUIET).test_client().get("/api/health-check?detail", buffered=True)
    health = response.get_json()
    assert {"worker", "relay"} <= health.keys()
    assert health["relay"] == {"accepted_spans": 0, "dropped": {}, "refused": {}}


@pytest.mark.parametrize("headers", FORWARDED)
def test_a_forwarded_caller_gets_the_plain_health(headers: dict[str, str], make_app: AppFactory) -> None:
    client = make_app(QUIET).test_client()
    plain = client.get("/api/health-check", buffered=True)
    response = client.get("/api/health-check?detail", headers=headers, buffered=True)
    assert (response.status_code, response.get_json()) == (200, plain.get_json())
    assert "worker" not in response.get_json()


def test_with_the_setting_every_caller_gets_the_detail(make_app: AppFactory) -> None:
    client = make_app({**QUIET, "HEALTH_CHECK_DETAIL": "true"}).test_client()
    for headers in FORWARDED:
        assert "worker" in client.get("/api/health-check?detail", headers=headers, buffered=True).get_json()
