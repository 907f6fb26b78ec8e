"""Require a login of Amazon ECR for each request to the image registry, and the actions that it stands for.

Source: Amazon ECR user guide, "Private registry authentication" and "IAM permissions for pushing an image"; Docker
Registry HTTP API V2.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import ecr

from local.emulator import permissions
from local.emulator.iam.checks import Check
from local.emulator.json_api import Json
from local.emulator.registry import Reply

USER: Final = "AWS"
LIFETIME_SECONDS: Final = 12 * 3600
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403

ACTIONS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("blob", "DELETE"): ("BatchDeleteImage",),
    ("blob", "GET"): ("GetDownloadUrlForLayer",),
    ("blob", "HEAD"): ("BatchCheckLayerAvailability",),
    ("blob_upload_session", "DELETE"): ("InitiateLayerUpload",),
    ("blob_upload_session", "GET"): ("UploadLayerPart",),
    ("blob_upload_session", "PATCH"): ("UploadLayerPart",),
    ("blob_upload_session", "PUT"): ("UploadLayerPart", "CompleteLayerUpload"),
    ("blob_uploads", "POST"): ("InitiateLayerUpload",),
    ("manifest", "DELETE"): ("BatchDeleteImage",),
    ("manifest", "GET"): ("BatchGetImage",),
    ("manifest", "HEAD"): ("BatchGetImage",),
    ("manifest", "PUT"): ("PutImage",),
    ("tags_list", "GET"): ("ListImages",),
}
"""By ministack's name of the path and the method. A repository's name is part of each of these paths."""

MOUNT_SOURCE_ACTIONS: Final = ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer")
"""What the source of a blob that is mounted from another repository must allow."""


@dataclass(frozen=True, slots=True)
class _Login:
    access_key_id: str = field(repr=False)
    expiration: float


_logins: Final[dict[str, _Login]] = {}
"""By password."""


def install() -> None:
    """Let GetAuthorizationToken issue logins of its caller, in place of one password for all."""
    original = ecr._get_authorization_token

    def authorization_token(request: Json) -> Reply:
        status, headers, body = original(request)
        reply = json.loads(body)
        for login in reply["authorizationData"]:
            password, expiration = _issue(permissions.caller.get())
            login["authorizationToken"] = base64.b64encode(f"{USER}:{password}".encode()).decode()
            login["expiresAt"] = expiration
        return status, headers, json.dumps(reply).encode()

    ecr._get_authorization_token = authorization_token


def authorize(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> Reply | None:
    """Return the error of a request that is not authorized; None if it is, or if IAM is not enforced."""
    if not permissions.enforced():
        return None
    login = _logins.get(_password(headers))
    if login is None or login.expiration < time.time():
        return _unauthorized(headers)
    endpoint, name, _ = ecr._parse_v2_path(path) or ("", "", "")
    # The scope of the repository that will be served: `ns` may name another account.
    ecr._select_registry_request_scope(name, headers, query)
    if endpoint == "ping":
        return _denied(permissions.credential_failure(login.access_key_id))
    actions = ACTIONS.get((endpoint, method.upper()), ("DescribeRepositories",))
    needed = [(action, name or "*") for action in actions]
    if endpoint == "blob_uploads":
        needed += [("CompleteLayerUpload", name)] if "digest" in query else []
        needed += [(action, source) for source in query.get("from", ()) for action in MOUNT_SOURCE_ACTIONS]
    for action, repository in needed:
        check = Check(f"ecr:{action}", f"arn:aws:ecr:{get_region()}:{get_account_id()}:repository/{repository}")
        message = permissions.denial(login.access_key_id, check, get_region(), "ecr")
        if message is not None:
            return _denied(message)
    return None


def _issue(access_key_id: str) -> tuple[str, int]:
    now = time.time()
    for password in [each for each, login in _logins.items() if login.expiration < now]:
        del _logins[password]
    password = secrets.token_urlsafe(32)
    expiration = int(now) + LIFETIME_SECONDS
    _logins[password] = _Login(access_key_id, expiration)
    return password, expiration


def _password(headers: Mapping[str, str]) -> str:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if (scheme.lower(), user) == ("basic", USER) else ""


def _unauthorized(headers: Mapping[str, str]) -> Reply:
    challenge = f'Basic realm="http://{headers.get("host", "")}/",service="ecr.amazonaws.com"'
    return UNAUTHORIZED, {"Content-Type": "text/plain", "Www-Authenticate": challenge}, b"Not Authorized\n"


def _denied(message: str | None) -> Reply | None:
    if message is None:
        return None
    body = {"errors": [{"code": "DENIED", "message": message}]}
    return FORBIDDEN, {"Content-Type": "application/json"}, json.dumps(body).encode()
