"""No change of valid claims is believed, and none fails its request."""

from __future__ import annotations

import hmac
import random
import string
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.telemetry.authentication.conftest import Service
from tests.telemetry.authentication.key_endpoint import KeyEndpoint
from tests.telemetry.authentication.tokens import ARN, CLIENT, ISSUER, USER, SigningKey, decoded, encoded

SEED = 20181
NO_TEXT: list[object] = [None, "", "x", 1, -1, 1.5, True, [], {}, ["ES256"], {"a": 1}, "é", "x" * 9000]
WRONG: dict[str, list[object]] = {
    "alg": ["none", "None", "HS256", "HS512", "RS256", "PS256", "ES384", "ES512", "EdDSA", "es256"],
    "kid": [str(uuid4()), "../" * 12, "0" * 36, "g" * 36],
    "signer": [ARN + "0", ARN[:-1], ARN.upper(), ARN.replace("123456789012", "210987654321"), f" {ARN}", [ARN]],
    "iss": [ISSUER.rstrip("/"), ISSUER + "x", ISSUER.replace("https", "http"), [ISSUER]],
    "client": [CLIENT + "2", CLIENT.upper(), [CLIENT]],
    "exp": [0, 1, "9999999999", float("nan"), float("-inf"), int(time.time()) - 1],
}


@pytest.mark.parametrize("field", WRONG)
def test_a_header_field_of_another_value_is_refused_though_the_signature_is_right(
    field: str, service: Service, key: SigningKey
) -> None:
    values = [*WRONG[field], *(each for each in NO_TEXT if not (field == "exp" and isinstance(each, int | float)))]
    users = {repr(value): service.user(key.token(key.header(**{field: value}))) for value in values}
    without = {name: value for name, value in key.header().items() if name != field}
    assert set(users.values()) | {service.user(key.token(without))} == {None}
    assert service.user(key.token()) == USER


def test_a_field_that_changes_after_the_signature_is_refused(service: Service, key: SigningKey) -> None:
    header, claims, signature = key.token().split(".")
    for changed in (
        {"exp": int(time.time()) + 9999},
        {"typ": "jwt"},
        {"x": 1},
        {"b64": False},
        {"crit": ["x"]},
        {"jku": "http://127.0.0.1/"},
    ):
        assert service.user(f"{encoded(key.header(**changed)).decode()}.{claims}.{signature}") is None
    for sub in ("gowron", USER + " ", None):
        assert service.user(f"{header}.{encoded({'sub': sub}).decode()}.{signature}") is None
    assert set(service.claims["refused"]) == {"signature", "malformed"}


@pytest.mark.parametrize("claims", [{}, [], None, 1, "worf", {"sub": ""}, {"sub": 1}, {"sub": None}, {"sub": [USER]}])
def test_claims_without_a_subject_are_refused(claims: object, service: Service, key: SigningKey) -> None:
    header = encoded(key.header())
    body = encoded(claims)
    signature = urlsafe_b64encode(key.sign(header + b"." + body))
    assert service.user(b".".join((header, body, signature)).decode()) is None


def test_claims_whose_own_expiry_is_over_are_refused(service: Service, key: SigningKey) -> None:
    assert service.user(key.token(claims={"sub": USER, "exp": 1})) is None
    assert service.user(key.token(claims={"sub": USER, "exp": int(time.time()) + 60, "aud": "x", "nbf": 2**40})) == USER


def test_a_token_expires_while_its_key_is_known(service: Service, key: SigningKey) -> None:
    token = key.token(key.header(exp=time.time() + 0.5))
    assert service.user(token) == USER
    time.sleep(0.6)
    assert service.user(token) is None


def test_a_token_without_a_signature_or_with_the_public_key_as_a_shared_secret_is_refused(
    service: Service, key: SigningKey
) -> None:
    assert service.user(key.token()) == USER
    claims = encoded({"sub": USER})
    for algorithm in ("none", "HS256", "ES256"):
        signed = encoded(key.header(alg=algorithm)) + b"." + claims
        mac = hmac.digest(key.pem, signed, "sha256")
        for signature in (b"", b"AA==", urlsafe_b64encode(mac), urlsafe_b64encode(bytes(64))):
            assert service.user((signed + b"." + signature).decode()) is None


def test_a_signature_of_another_key_or_in_another_form_is_refused(
    service: Service, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    assert service.user(SigningKey(key_id=key.key_id).token()) is None
    signed = encoded(key.header()) + b"." + encoded({"sub": USER})
    der = urlsafe_b64encode(key.der_signature(signed))
    assert service.user((signed + b"." + der).decode()) is None
    other_curve = endpoint.add(SigningKey(ec.generate_private_key(ec.SECP256K1())))
    assert service.user(other_curve.token()) is None


def mutations(token: str) -> Iterator[str]:
    """Yield tokens that differ from `token`: cut, longer, in another alphabet, with characters replaced or swapped."""
    draw = random.Random(SEED)
    yield from (token[:end] for end in range(0, len(token), 5))
    yield from (token[start:] for start in range(1, len(token), 11))
    yield from (
        f"{token}{each}" for each in ("=", "==", "A", ".", ".A", " ", "\t", ",", f",{token}", f" {token}", "\0")
    )
    yield from (f"{each}{token}" for each in (" ", "Bearer ", "=", ".", "\ufeff", "\udc80"))
    yield from (token.replace(".", each) for each in ("", "..", "=.", "é.", ". ", ".\n", "%2e"))
    yield from (token * 2, token.upper(), token.lower(), token[::-1], "." * 3, "e30=.e30=.e30=", "A" * 2**20)
    yield from ("[" * 5000, f"{encoded([]).decode()}.{token}", f"{urlsafe_b64encode(b'[' * 5000).decode()}.e30=.AA==")
    alphabet = string.ascii_letters + string.digits + "-_=.+/ é\x00\u2603\udcff"
    for _ in range(600):
        position = draw.randrange(len(token))
        replacement = draw.choice(alphabet)
        yield token[:position] + replacement + token[position + 1 :]
    for _ in range(200):
        first, second = sorted(draw.sample(range(len(token)), 2))
        yield token[:first] + token[second] + token[first + 1 : second] + token[first] + token[second + 1 :]


def test_no_mutation_of_a_valid_token_is_believed_or_fails(
    service: Service, endpoint: KeyEndpoint, key: SigningKey
) -> None:
    token = key.token()
    assert service.user(token) == USER
    believed = [mutation for mutation in mutations(token) if service.user_of_raw(mutation) is not None]
    # The last character of a signature has four bits that base64 ignores, and its padding has none that count.
    signed, _, signature = token.rpartition(".")
    for mutation in believed:
        other, _, other_signature = mutation.rpartition(".")
        assert (other, decoded(other_signature)) == (signed, decoded(signature))
    assert "unexpected" not in service.claims["refused"]
    assert endpoint.requests.total() <= 6
    assert service.user(token) == USER
