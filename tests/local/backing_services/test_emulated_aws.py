from __future__ import annotations

from pathlib import Path

import pytest

from local.backing_services.emulated_aws import EmulatedAws


@pytest.mark.parametrize("service", ["ecs", "elbv2", "logs", "secrets", "xray"])
def test_every_client_uses_the_emulator_whatever_this_machine_is_configured_for(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile company]\nregion = eu-west-1\nendpoint_url = https://example.invalid\n", encoding="utf-8"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "absent-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.invalid")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-real-key-id")

    client = getattr(EmulatedAws(4566), service)

    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"
    assert client._request_signer._credentials.access_key == "local-fake-key-id"


def test_the_load_balancer_is_reached_by_its_name() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/Cruddur-local-Alb/50dc6c495c0c9188"

    assert EmulatedAws(4566).load_balancer_name(arn) == "cruddur-local-alb.alb.localhost"
