"""Verify the claims that a load balancer signs for the user whom it has authenticated.

As "Authenticate users using an Application Load Balancer", User Guide, says: a JSON Web Token, signed with ES256, whose
header has the key's id and the signer, which must be our load balancer: others' signatures are valid, too. Issuer,
client and expiry are in that header, not among the claims. Its base64 is padded, against RFC 7515, which PyJWT accepts.
"""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.authentication.errors import RefusedClaimsError
from flask_onetrace.authentication.key_endpoint import is_key_id
from flask_onetrace.authentication.public_keys import PublicKeys

if TYPE_CHECKING:
    from jwt.types import Options

MAX_TOKEN: Final = 16 * 1024
"""Characters. The load balancer itself sends claims of 11 KB at most, and headers of 16 KB."""
_ALGORITHM: Final = "ES256"
_SHAPE: Final = re.compile(r"(?:[A-Za-z0-9_-]++={0,2}+\.){2}[A-Za-z0-9_-]++={0,2}+")
_OPTIONS: Final[Options] = {"verify_aud": False, "verify_iat": False, "verify_nbf": False, "verify_jti": False}
"""These are the provider's claims about its own tokens; an `exp` among the claims counts as well as the header's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedSigner:
    """Whose claims are believed: of this load balancer, for this client of this issuer."""

    load_balancer_arn: str
    issuer: str
    client_id: str


class ClaimsVerifier:
    """Verify claims with the public keys of a load balancer."""

    def __init__(self, signer: ExpectedSigner, keys: PublicKeys, clock: Callable[[], float] = time.time) -> None:
        import cryptography  # noqa: F401, PLC0415 - without it, PyJWT is imported and verifies nothing
        import jwt  # noqa: PLC0415 - only where users are authenticated: its import takes some tens of ms

        self._decode = jwt.decode
        self._invalid = jwt.PyJWTError
        self._expected = {"signer": signer.load_balancer_arn, "iss": signer.issuer, "client": signer.client_id}
        self._keys = keys
        self._clock = clock

    def subject(self, token: str, *, may_fetch: bool) -> str:
        """Return the user's `sub`, by which AWS advises to identify users.

        A key that is unknown is fetched if `may_fetch`, which takes a second at most. Raises `RefusedClaimsError`.
        """
        if len(token) > MAX_TOKEN or not _SHAPE.fullmatch(token):
            raise RefusedClaimsError("malformed", "it is no JSON Web Token")
        # What costs little comes first: no key is fetched for what nobody could believe.
        key_id = self._check_header(_header_of(token))
        key = self._keys.key(key_id, may_fetch=may_fetch)
        try:
            claims: Mapping[str, Any] = self._decode(token, key, algorithms=[_ALGORITHM], options=_OPTIONS)
        except self._invalid as error:
            # Without its text, which may quote the token.
            name = type(error).__name__
            raise RefusedClaimsError(_REASONS.get(name, "malformed"), f"{name} while verifying it") from None
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise RefusedClaimsError("subject", "its claims have no `sub`")
        return subject

    def _check_header(self, header: Mapping[str, Any]) -> str:
        """Return the id of the key that is to verify a token with this `header`."""
        if header.get("alg") != _ALGORITHM:
            raise RefusedClaimsError("algorithm", f"it is not signed with {_ALGORITHM}")
        for field, expected in self._expected.items():
            if header.get(field) != expected:
                raise RefusedClaimsError(field, f"its `{field}` is not the expected one: check {_VARIABLES[field]}")
        expiry = header.get("exp")
        if not isinstance(expiry, int | float) or isinstance(expiry, bool) or not expiry > self._clock():
            raise RefusedClaimsError("expired", "it has expired, or has no expiry: check the clocks")
        key_id = header.get("kid")
        if not is_key_id(key_id):
            raise RefusedClaimsError("malformed", "the id of its key is no UUID")
        return str(key_id)


def _header_of(token: str) -> Mapping[str, Any]:
    """Return the header of a token from its first part: PyJWT decodes all of it, at a cost for each character."""
    part = token.partition(".")[0].rstrip("=")
    try:
        header = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise RefusedClaimsError("malformed", "its header is no JSON object")
    return header


_REASONS: Final = {"InvalidSignatureError": "signature", "ExpiredSignatureError": "expired"}
"""By PyJWT's error. Any other is a malformed token."""
_VARIABLES: Final = {"signer": "ALB_ARN", "iss": "ALB_OIDC_ISSUER", "client": "ALB_OIDC_CLIENT_ID"}
