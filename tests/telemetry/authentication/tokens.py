"""Sign claims as a load balancer does, without the library that verifies them."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/cruddur/50dc6c495c0c9188"
ISSUER = "https://idp.example.com/"
CLIENT = "cruddur-client"
SIGNER = {"ALB_ARN": ARN, "ALB_OIDC_ISSUER": ISSUER, "ALB_OIDC_CLIENT_ID": CLIENT}
USER = "64f9-worf"


@dataclass(frozen=True)
class SigningKey:
    """A load balancer's key pair and its id."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    key_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def pem(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def sign(self, signed: bytes) -> bytes:
        return b"".join(each.to_bytes(32, "big") for each in decode_dss_signature(self.der_signature(signed)))

    def der_signature(self, signed: bytes) -> bytes:
        return self.private.sign(signed, ec.ECDSA(SHA256()))

    def header(self, **changes: object) -> dict[str, Any]:
        """Return the header of a valid token, with `changes`."""
        header: dict[str, Any] = {
            "typ": "JWT",
            "kid": self.key_id,
            "alg": "ES256",
            "iss": ISSUER,
            "client": CLIENT,
            "signer": ARN,
            "exp": int(time.time()) + 120,
        }
        return header | changes

    def token(self, header: object = None, claims: object = None) -> str:
        """Return a valid token, or one with another header or other claims, and the signature that these have."""
        header = self.header() if header is None else header
        signed = b".".join(
            map(encoded, (header, {"sub": USER, "email": "worf@example.com"} if claims is None else claims))
        )
        return (signed + b"." + urlsafe_b64encode(self.sign(signed))).decode()


def encoded(part: object) -> bytes:
    """Return a part of a token, padded as a load balancer's are."""
    return urlsafe_b64encode(json.dumps(part).encode())


def decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
