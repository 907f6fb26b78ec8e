"""Plant secrets where careless clients and handlers put them. Values follow from the place: two processes know them."""

from __future__ import annotations

import hashlib
from base64 import b64encode

_NAMES: dict[str, tuple[str, ...]] = {
    "query": (
        *("access_token", "api_key", "apikey", "client_secret", "id_token", "refresh_token", "password", "passwd"),
        *("secret", "signature", "sig", "X-Amz-Signature", "X-Amz-Security-Token", "session", "jwt", "auth"),
    ),
    "credential headers": (
        *("Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Auth-Token", "X-Access-Token"),
        *("X-Amz-Security-Token", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Accesstoken", "X-Csrf-Token", "X-Session-Token"),
        *("X-Honeycomb-Team", "X-Rollbar-Access-Token", "X-Vault-Token", "Private-Token", "X-Goog-Iap-Jwt-Assertion"),
    ),
    "cookies": ("session", "sid", "csrftoken", "remember_token", "AWSALBAuthNonce", "id_token", "_oauth2_proxy"),
    "form": (
        *("password", "passwd", "pwd", "new_password", "password_confirmation", "api_key", "access_token"),
        *("client_secret", "private_key", "credit_card", "card_number", "cvv", "otp", "csrf_token"),
    ),
    "JSON body": (
        *("password", "newPassword", "accessToken", "refreshToken", "idToken", "clientSecret", "client_secret"),
        *("apiKey", "privateKey", "secretAccessKey", "sessionToken", "authorization", "cardNumber"),
    ),
    "local variables": (
        *("password", "db_password", "api_key", "access_token", "session_token", "authorization"),
        *("client_secret", "private_key", "credentials", "secret_key"),
    ),
    "log fields": ("password", "api_key", "access_token", "authorization", "client_secret", "set-cookie", "secret"),
    "span attributes": (
        *("password", "db.password", "http.request.header.authorization", "http.request.header.cookie"),
        *("enduser.access_token", "api_key", "client_secret"),
    ),
}
_TEXTS: dict[str, dict[str, str]] = {
    "exception texts": {
        "bearer": "401 for Authorization: Bearer {}",
        "assignment": "cannot log in with password={}",
        "url": "cannot reach postgres://cruddur:{}@db.internal/prod",
        "query": "GET https://api.test/v1?user=1&api_key={} failed",
        "json": 'rejected: {{"user": "andrew", "password": "{}"}}',
        "python": "rejected: {{'user': 'andrew', 'access_token': '{}'}}",
    },
    "log texts": {
        "bearer": "sent Authorization: Bearer {}",
        "assignment": "client_secret={}",
        "url": "connecting to https://deploy:{}@git.internal/repository",
        "cookie": "Set-Cookie: session={}; HttpOnly",
    },
    "outgoing URLs": {
        "api_key": "http://127.0.0.1:{{port}}/one?api_key={}",
        "signature": "http://127.0.0.1:{{port}}/two?X-Amz-Signature={}&X-Amz-Date=1",
        "token": "http://127.0.0.1:{{port}}/three?user=1&access_token={}",
        "password": "http://deploy:{}@127.0.0.1:{{port}}/four",
    },
}
PLACES = (*_NAMES, *_TEXTS)


def secret(place: str, name: str) -> str:
    """Return the secret that is planted at a place under a name: 32 hex digits."""
    return hashlib.sha256(f"{place}: {name}".encode()).hexdigest()[:32]


def planted(place: str) -> dict[str, str]:
    """Return what is planted at a place: secrets by name, or texts that contain one."""
    if place in _NAMES:
        return {name: secret(place, name) for name in _NAMES[place]}
    return {name: text.format(secret(place, name)) for name, text in _TEXTS[place].items()}


def credential(name: str, value: str) -> str:
    """Return the value of a header that carries a secret, as the header's own format has it."""
    if name == "Proxy-Authorization":
        return f"Basic {b64encode(f'deploy:{value}'.encode()).decode()}"
    return f"Bearer {value}" if name == "Authorization" else value


def leaked(received: bytes) -> dict[str, list[str]]:
    """Return the names of the secrets that `received` contains, by place."""
    return {place: names for place in PLACES if (names := _leaked_at(place, received))}


def _leaked_at(place: str, received: bytes) -> list[str]:
    return [name for name in planted(place) if any(form in received for form in _forms(secret(place, name)))]


def _forms(value: str) -> tuple[bytes, bytes]:
    # Of base64 only the part that does not depend on what surrounds it: `deploy:` and two bytes before.
    return value.encode(), b64encode(f"deploy:{value}".encode())[12:44]


def count() -> int:
    """Return how many secrets are planted."""
    return sum(len(planted(place)) for place in PLACES)
