"""Whatever the endpoint of the public keys does, and whoever makes us ask it, requests are served in time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from flask_onetrace.authentication import public_keys
from flask_onetrace.authentication.key_endpoint import fetch_key, public_keys_url
from tests.telemetry.authentication.conftest import Service, ServiceFactory
from tests.telemetry.authentication.key_endpoint import KeyEndpoint
from tests.telemetry.authentication.tokens import ARN, SIGNER, USER, SigningKey

WAIT_SECONDS = 2.0
"""Twice the service's own, since a busy machine delays a request, too; less than the 5 s that a fetch may take."""
ENOUGH = 1.9 * WAIT_SECONDS
"""Seconds of a request that waits once."""
SOON = 0.9 * WAIT_SECONDS
"""Seconds of a request that does not wait."""


@pytest.fixture(autouse=True)
def _long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_keys, "WAIT_SECONDS", WAIT_SECONDS)


@pytest.fixture
def hanging(socket_enabled: None) -> Iterator[str]:  # noqa: ARG001 - it listens on 127.0.0.1
    """The URL of an endpoint that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/keys"


@pytest.fixture
def refusing(socket_enabled: None) -> str:  # noqa: ARG001 - it connects to 127.0.0.1
    """The URL of a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/keys"


def seconds(service: Service, token: str) -> float:
    start = time.monotonic()
    assert service.user(token) is None
    return time.monotonic() - start


def test_an_endpoint_that_hangs_delays_one_request_by_a_second_and_no_other(
    hanging: str, make_service: ServiceFactory
) -> None:
    service = make_service({**SIGNER, "ALB_PUBLIC_KEYS_URL": hanging})
    key = SigningKey()
    assert seconds(service, key.token()) < ENOUGH
    assert max(seconds(service, each.token()) for each in (key, SigningKey(), SigningKey(), key)) < SOON


def test_an_endpoint_that_hangs_delays_simultaneous_requests_by_the_same_second(
    hanging: str, make_service: ServiceFactory
) -> None:
    service = make_service({**SIGNER, "ALB_PUBLIC_KEYS_URL": hanging})
    token = SigningKey().token()
    with ThreadPoolExecutor(8) as pool:
        assert max(pool.map(lambda _: seconds(service, token), range(8))) < ENOUGH


def test_an_endpoint_that_is_down_delays_nobody(refusing: str, make_service: ServiceFactory) -> None:
    service = make_service({**SIGNER, "ALB_PUBLIC_KEYS_URL": refusing})
    assert max(seconds(service, SigningKey().token()) for _ in range(10)) < SOON


def test_simultaneous_requests_for_an_unknown_key_share_one_fetch(
    service: Service, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: service.user(key.token()), range(32))) == {USER}
    assert endpoint.requests == {key.key_id: 1}


def test_random_key_ids_cause_few_fetches_and_cost_no_known_key(
    service: Service, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    assert service.user(key.token()) == USER
    forger = SigningKey()
    start = time.monotonic()
    forged = [forger.token(forger.header(kid=str(uuid4()))) for _ in range(300)]
    assert {service.user(token) for token in forged} == {None}
    seconds = time.monotonic() - start
    assert seconds < 60  # of 300 waits
    assert endpoint.requests.total() <= 7 + seconds / 10
    assert service.user(key.token()) == USER
    assert endpoint.requests[key.key_id] == 1


def test_claims_that_nobody_could_believe_cause_no_fetch(service: Service, endpoint: KeyEndpoint) -> None:
    forger = SigningKey()
    for changes in ({"signer": "x"}, {"iss": "x"}, {"client": "x"}, {"exp": 1}, {"alg": "HS256"}):
        assert service.user(forger.token(forger.header(**changes))) is None
    assert not endpoint.requests


@pytest.mark.parametrize("content", [b"", b"<html>", b"-----BEGIN PUBLIC KEY-----\nAA==\n", b"x" * 100_000])
def test_a_response_that_is_no_key_is_refused_and_logged(
    content: bytes, service: Service, endpoint: KeyEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    key = SigningKey()
    endpoint.keys[key.key_id] = content
    assert service.user(key.token()) is None
    assert f"public key {key.key_id} could not be fetched" in caplog.text


def test_a_redirect_is_not_followed(service: Service, endpoint: KeyEndpoint, key: SigningKey) -> None:
    moved = SigningKey(key.private)
    endpoint.redirects[moved.key_id] = f"{endpoint.url}/{key.key_id}"
    assert service.user(moved.token()) is None
    assert endpoint.requests == {moved.key_id: 1}


def test_no_other_id_than_a_uuid_becomes_part_of_a_url() -> None:
    for key_id in ("", "..", "a/b", str(uuid4()).upper(), f"{uuid4()}\n", f"{uuid4()}/", "\uff10" * 36):
        with pytest.raises(ValueError, match="no UUID"):
            fetch_key("http://127.0.0.1:1", key_id)


@pytest.mark.parametrize(
    ("partition", "region", "url"),
    [
        ("aws", "eu-west-1", "https://public-keys.auth.elb.eu-west-1.amazonaws.com"),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1",
        ),
        ("aws-cn", "cn-north-1", "https://public-keys.auth.elb.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_keys_are_at_the_endpoint_of_the_load_balancers_region(partition: str, region: str, url: str) -> None:
    assert public_keys_url(ARN.replace("arn:aws:", f"arn:{partition}:").replace("eu-west-1", region)) == url
