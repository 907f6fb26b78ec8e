"""The user is the one whose claims the load balancer has signed, and nobody else."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flask_onetrace.contract import RELAY_PATH, RUNTIME_HEALTH_CHECK_PATH
from tests.telemetry.authentication.conftest import DATA, Service, ServiceFactory
from tests.telemetry.authentication.key_endpoint import KeyEndpoint
from tests.telemetry.authentication.tokens import SIGNER, USER, SigningKey


def test_the_user_of_verified_claims_is_their_subject(service: Service, key: SigningKey) -> None:
    assert service.user(key.token()) == USER
    assert service.claims == {"verified": 1, "refused": {}}


def test_the_subject_of_the_claims_wins_over_the_unsigned_identity_and_the_users_own_header(
    make_service: ServiceFactory, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    service = make_service({**SIGNER, "ALB_PUBLIC_KEYS_URL": endpoint.url, "TRUST_USER_HEADER": "true"})
    forged = {"X-Amzn-Oidc-Identity": "gowron", "X-Cruddur-User": "gowron"}
    assert service.user(key.token(), **forged) == USER
    assert service.user(None, **forged) is None


@pytest.mark.parametrize("trusted", ["true", "false"])
def test_a_service_without_authentication_believes_no_claims(
    trusted: str, make_service: ServiceFactory, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    service = make_service({"TRUST_USER_HEADER": trusted})
    assert service.user(key.token(), **{"X-Amzn-Oidc-Identity": USER}) is None
    assert not endpoint.requests
    assert service.claims is None


def test_a_key_is_fetched_once(service: Service, endpoint: KeyEndpoint, key: SigningKey) -> None:
    assert [service.user(key.token()) for _ in range(20)] == [USER] * 20
    assert endpoint.requests == {key.key_id: 1}


def test_claims_with_and_without_padding_are_accepted(service: Service, key: SigningKey) -> None:
    tokens = [key.token(claims={"sub": USER, "name": "x" * length}) for length in range(3)]
    assert [service.user(token) for token in tokens] == [USER] * 3
    assert {token.split(".")[1].count("=") for token in tokens} == {0, 1, 2}


def test_after_a_rotation_old_and_new_keys_are_believed(
    service: Service, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    assert service.user(key.token()) == USER
    new = endpoint.add(SigningKey())
    assert [service.user(each.token()) for each in (new, key, new)] == [USER] * 3


@pytest.mark.parametrize("path", ["/assets/17", "/api/orders", "/static/app.js", "/"])
def test_signed_claims_have_a_user_whatever_the_path_is_called(path: str, service: Service, key: SigningKey) -> None:
    assert service.telemetry.config.user_of(environ(path, key)) == USER
    assert service.claims == {"verified": 1, "refused": {}}


@pytest.mark.parametrize("path", ["/assets/../api/whoami", "/assets//../api/whoami", "/assets/%2e%2e/api/whoami"])
def test_no_path_that_needs_no_session_leads_to_one_that_does(path: str, service: Service) -> None:
    response = service.app.test_client().get("/", environ_overrides={"PATH_INFO": path, "REQUEST_URI": path})
    assert response.status_code in {308, 404}
    assert "user" not in response.text


@pytest.mark.parametrize("path", [RELAY_PATH, RUNTIME_HEALTH_CHECK_PATH, "/api/health-check"])
def test_on_the_paths_of_the_relay_and_the_health_checks_only_known_keys_are_used(
    path: str, service: Service, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    user_of = service.telemetry.config.user_of
    assert user_of(environ(path, key)) is None
    assert not endpoint.requests
    assert service.user(key.token()) == USER
    assert user_of(environ(path, key)) == USER


def test_an_app_of_its_own_sees_no_other_services_users(
    service: Service, make_service: ServiceFactory, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    other_arn = SIGNER["ALB_ARN"].replace("cruddur", "other")
    other = make_service({**SIGNER, "ALB_ARN": other_arn, "ALB_PUBLIC_KEYS_URL": endpoint.url})
    assert (service.user(key.token()), other.user(key.token())) == (USER, None)
    assert other.claims == {"verified": 0, "refused": {"signer": 1}}


def test_refused_claims_are_logged_once_a_minute_for_each_reason_and_never_shown(
    service: Service, key: SigningKey, caplog: pytest.LogCaptureFixture
) -> None:
    expired, unknown = key.token(key.header(exp=1)), key.token(key.header(kid=str(uuid4())))
    for token in (expired, unknown, expired, unknown, "worf", "worf"):
        assert service.user(token) is None
    messages = [each.getMessage() for each in caplog.records if "refused" in each.getMessage()]
    assert [message.rpartition("(")[2].partition(":")[0] for message in messages] == ["expired", "key", "malformed"]
    assert not [part for token in (expired, unknown) for part in token.split(".") if part in caplog.text]
    assert service.claims["refused"] == {"expired": 2, "key": 2, "malformed": 2}


def environ(path: str, key: SigningKey) -> dict[str, str]:
    return {"PATH_INFO": path, f"HTTP_{DATA.upper().replace('-', '_')}": key.token()}


def test_the_url_of_the_keys_is_never_a_requests(service: Service, endpoint: KeyEndpoint, key: SigningKey) -> None:
    for kid in (
        "../../etc",
        "http://127.0.0.1:1/",
        "a" * 36,
        f"{key.key_id}/..",
        f"{key.key_id}?x",
        key.key_id.upper(),
    ):
        assert service.user(key.token(key.header(kid=kid))) is None
    assert not endpoint.requests
