"""Enforce IAM: each request is signed with a known secret, and each action allowed by the policies of its principal.

ministack evaluates policies. What it does before that is replaced, because it serves unsigned requests of "root" keys,
checks no action of some services and gets the resources of others wrong. All requests to an AWS API pass `authorize`,
which the boundary calls. Source: AWS Identity and Access Management user guide, "Policy evaluation logic".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.core.router import extract_access_key_id, extract_region
from ministack.services import iam, s3, sts

from local.emulator.iam.checks import Check, checks
from local.emulator.iam.requests import ApiRequest, MalformedRequestError
from local.emulator.registry import JSON_1_1, Reply

ADMINISTRATOR: Final = "administrator"
ADMINISTRATOR_POLICY: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
MALFORMED: Final = "MalformedRequest"
BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403

caller: Final[ContextVar[str]] = ContextVar("caller", default="")
"""The access key of the request that is being handled, once its signature is verified."""


def install(credentials: tuple[str, str]) -> None:
    """Create the administrator and require permissions from now on."""
    if enforced():
        return
    # Read at each request; AssumeRole's trust policies and CloudFormation's capabilities depend on it, too.
    app.AUTH = True
    # In ministack an empty key, "test" and twelve digits are the root user of an account, whatever the signature.
    iam_evaluator.is_root_access_key = sts.is_root_access_key = _is_root
    # The bootstrap's bucket refuses plain HTTP; a connection to 127.0.0.1 leaves this machine as little as TLS does.
    app.pin_request_origin = iam_evaluator.pin_request_origin = _pin_secure_origin
    # `authorize` has decided before ministack's own dispatch asks.
    iam_actions.extract_iam_action = _no_action
    iam_actions._BOTOCORE_SERVICE_MAP["xray"] = ["xray"]
    sts._evict_expired_sessions = _evict_expired_sessions
    _create_administrator(*credentials)


def enforced() -> bool:
    """Return whether `install` has been called."""
    return bool(app.AUTH)


def authorize(  # noqa: PLR0917 - the parts of a request, as ministack passes them
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, list[str]],
    request_id: str,
) -> Reply | None:
    """Return the error of a request to `service` that is not authorized; None if it is, or if IAM is not enforced."""
    if not enforced():
        return None
    region = extract_region(headers, query)
    request = ApiRequest(service, method, path, headers, body, query, region, get_account_id())
    key = extract_access_key_id(headers, query)
    unverified = _signature_failure(request, key)
    if unverified is not None:
        return _authentication_error(unverified, request, request_id)
    caller.set(key)
    try:
        needed = checks(request)
    except MalformedRequestError as error:
        return _error(request, request_id, code=MALFORMED, message=str(error))
    for check in needed:
        denied = denial(key, check, region, service)
        if denied is not None:
            return _error(request, request_id, message=denied)
    return None


def denial(key: str, check: Check, region: str, service: str) -> str | None:
    """Return the message with which AWS refuses `check` to the holder of the access key; None if it is allowed."""
    result = iam_evaluator.enforce(
        key, check.action, service, region, resource_arn=check.resource, service_context=dict(check.context)
    )
    if result is None:
        return None
    if isinstance(result, iam_evaluator.AuthError):
        return str(result.message)
    explicit = result.decision == "Deny"
    if explicit and result.resource_policy_arn:
        return str(iam_actions._resource_policy_denial(service, check.action, result.principal_arn, check.resource))
    return str(iam_actions.identity_denial_message(check.action, result.principal_arn, check.resource, explicit))


def credential_failure(key: str) -> str | None:
    """Return why the access key is no longer one of a principal; None if it is."""
    principal = iam_evaluator.resolve_principal(key, get_account_id())
    return str(principal.message) if isinstance(principal, iam_evaluator.AuthError) else None


def _signature_failure(request: ApiRequest, key: str) -> Any:  # noqa: ANN401 - ministack's AuthError or a reply
    """Verify the signature of the holder of `key`: nothing is handled that no known secret has signed."""
    headers, query = request.headers, request.query
    names = [name.lower() for name, values in query.items() for _ in values if name.lower().startswith("x-amz-")]
    if len(names) != len(set(names)):
        # The signature would be verified with one of them, and the permissions be those of the other.
        return iam_evaluator.AuthError("IncompleteSignature", "A parameter of the signature is given more than once.")
    if not key:
        return _unsigned()
    if "authorization" not in headers and iam_evaluator._s3_presigned_query(query):
        wrong_service = iam_evaluator._s3_scope_failure(request.service)
        return wrong_service or s3._verify_presigned_sigv4(request.method, request.path, headers, query)
    if _scope(request) != request.service:
        message = f"Credential should be scoped to correct service: '{request.service}'."
        return iam_evaluator.AuthError("SignatureDoesNotMatch", message)
    verified = iam_evaluator.authenticate(key, request.account)
    if verified is None:
        return _unsigned()
    return verified if isinstance(verified, iam_evaluator.AuthError) else None


def _unsigned() -> Any:  # noqa: ANN401 - ministack's AuthError
    return iam_evaluator.AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")


def _scope(request: ApiRequest) -> str:
    """Return the service in the signature's credential scope (SigV4, "Credential")."""
    by_header = request.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
    parts = (by_header or "".join(request.query.get("X-Amz-Credential", ()))).strip().split("/")
    return parts[3] if len(parts) == 5 else ""  # noqa: PLR2004 - key, date, region, service, aws4_request


def _authentication_error(failure: Any, request: ApiRequest, request_id: str) -> Reply:  # noqa: ANN401 - AuthError or a reply
    is_reply = not isinstance(failure, iam_evaluator.AuthError)
    reply: Reply = (
        failure if is_reply else app._credential_failure(request.service, "", request_id, failure, request.headers)
    )
    return reply


def _error(request: ApiRequest, request_id: str, *, message: str, code: str = "") -> Reply:
    """Encode an error in the request's protocol; without a code it is the one of a denied request."""
    document = {"__type": code or "AccessDeniedException", "message": message}
    if "cbor" in request.headers.get("smithy-protocol", ""):
        return FORBIDDEN, {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}, _cbor(document)
    if "x-amz-target" in request.headers and request.service != "sqs":
        return BAD_REQUEST, {"Content-Type": JSON_1_1}, json.dumps(document).encode()
    reply: Reply = iam_actions.access_denied_response(
        request.service, "", "", request_id, error_code=code, message=message, headers=request.headers
    )
    return reply


def _cbor(texts: Mapping[str, str]) -> bytes:
    """Encode a map of short texts (RFC 8949, section 3.1): ministack's encoder is an optional package."""
    encoded = bytes([0xA0 | len(texts)])
    for text in (part for pair in texts.items() for part in pair):
        data = text.encode()
        encoded += b"\x79" + len(data).to_bytes(2, "big") + data
    return encoded


def _is_root(_access_key_id: str) -> bool:
    return False


def _pin_secure_origin(source_ip: str, _secure: bool) -> None:  # noqa: FBT001 - ministack's signature
    iam_evaluator._request_origin.set((source_ip, True))


def _no_action(*_request: object) -> None:
    """Stand in for ministack's own choice of the action."""


def _evict_expired_sessions() -> None:
    """Iterate over a copy: the container agent adds sessions from its threads."""
    for key, session in list(sts._sessions.items()):
        if sts._session_expired(session):
            sts._sessions.pop(key, None)


def _create_administrator(key: str, secret: str) -> None:
    iam._users[ADMINISTRATOR] = {
        "UserName": ADMINISTRATOR,
        "Arn": f"arn:aws:iam::{get_account_id()}:user/{ADMINISTRATOR}",
        "UserId": iam._gen_id("AIDA"),
        "CreateDate": iam._now(),
        "Path": "/",
        "PermissionsBoundary": "",
        "AttachedPolicies": [ADMINISTRATOR_POLICY],
        "Tags": [],
    }
    iam._access_keys[key] = {
        "UserName": ADMINISTRATOR,
        "AccessKeyId": key,
        "SecretAccessKey": secret,
        "Status": "Active",
        "CreateDate": iam._now(),
    }
