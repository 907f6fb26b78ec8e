"""Fetch the public keys of AWS's load balancers.

Paths and formats are those of "Authenticate users using an Application Load Balancer", User Guide: a key is a PEM file
that is named by its id.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask_onetrace.telemetry.export.http import HttpClient

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_KEY_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A UUID. It comes from a header, and becomes a part of the URL: nothing else may."""
_MAX_PEM: Final = 4096
"""Bytes. The PEM file of a P-256 key has less than 200."""
_ABSENT: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""How S3, which serves the keys, says that there is none ("GetObject", Amazon S3 API Reference)."""


def is_key_id(text: object) -> bool:
    """Return whether `text` may be the id of a key."""
    return isinstance(text, str) and _KEY_ID.fullmatch(text) is not None


def public_keys_url(load_balancer_arn: str) -> str:
    """Return the base URL of the public keys in a load balancer's region.

    GovCloud's is from the same page. China's, which the page does not have, follows the suffix of its other endpoints.
    """
    _, partition, _, region, _ = load_balancer_arn.split(":", 4)
    if partition == "aws-us-gov":
        return f"https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}"
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"https://public-keys.auth.elb.{region}.{suffix}"


def fetch_key(base_url: str, key_id: str) -> EllipticCurvePublicKey | None:
    """Return a key, None where there is none of this id. It takes 8 s at most.

    Raises `OSError`, `http.client.HTTPException`, or `ValueError` for a response that is no P-256 key.
    """
    if not is_key_id(key_id):
        raise ValueError("the key id is no UUID")
    response = HttpClient(f"{base_url.rstrip('/')}/{key_id}").get()
    if response.status in _ABSENT:
        return None
    if response.status != HTTPStatus.OK:
        raise OSError(f"HTTP {response.status}")
    return _p256_key(response.body)


def _p256_key(pem: bytes) -> EllipticCurvePublicKey:
    # Imported where users are authenticated, and on the thread that fetches.
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - see above

    key = load_pem_public_key(pem) if len(pem) <= _MAX_PEM else None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the response is no P-256 public key")  # noqa: TRY004 - a content, not an argument's type
    return key
