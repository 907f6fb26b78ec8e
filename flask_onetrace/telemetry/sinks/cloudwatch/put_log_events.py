"""Call CloudWatch Logs' PutLogEvents with one signed request a batch.

boto3's client validates every parameter, encodes JSON with Python's own encoder and holds its service model in memory:
for one call, made a few times a second, botocore's credentials and signature are enough.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.session import Session

from flask_onetrace.telemetry.export.errors import RejectedError, RetryAfterError, UnauthorizedError
from flask_onetrace.telemetry.export.gil_pacing import wait_for_slot
from flask_onetrace.telemetry.export.http import Response
from flask_onetrace.telemetry.export.http_exporter import HttpExporter

_SERVICE = "logs"
_TARGET = "Logs_20140328."
_CONTENT_TYPE = {"content-type": "application/x-amz-json-1.1"}
_THROTTLING = frozenset({"ThrottlingException", "ServiceUnavailableException", "LimitExceededException"})
_UNAUTHORIZED = frozenset(
    {
        "AccessDeniedException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)
"""Errors that every request with the same credentials gets ("Common errors", CloudWatch Logs API Reference)."""
_REMEDY = "allow the task role logs:PutLogEvents and logs:CreateLogStream on the log group, and check its credentials"


class MissingStreamError(Exception):
    """The log stream, or its group, does not exist."""


class Events(NamedTuple):
    """The events of one request, in the order of their times: the inside of a JSON array of `InputLogEvent`."""

    json: bytes
    length: int


class Rejected(NamedTuple):
    """How many events of a request are not accepted, and why."""

    events: int
    reason: str


NONE_REJECTED: Final = Rejected(0, "")


class LogsApi:
    """The two actions that shipping lines takes, for one export thread. Nothing is reached before the first call."""

    def __init__(self, region: str | None) -> None:
        self._session = Session()
        self._region = region or self._session.get_config_variable("region")
        if self._region is None:
            raise RejectedError("no AWS region: set AWS_REGION")
        url = self._endpoint(self._region)
        self._exporter = _LogsExporter(
            url, _CONTENT_TYPE, credentials_remedy=_REMEDY, endpoint_remedy="check CLOUDWATCH_LOG_GROUP and AWS_REGION"
        )
        self._host = urlsplit(url).netloc

    def _endpoint(self, region: str) -> str:
        """Return the endpoint that the environment or the AWS configuration names, else the region's own."""
        configured: str | None = ConfiguredEndpointProvider(
            full_config=self._session.full_config,
            scoped_config=self._session.get_scoped_config(),
            client_name=_SERVICE,
        ).provide()
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return (configured or f"https://{_SERVICE}.{region}.{suffix}").rstrip("/") + "/"

    def put(self, group: str, stream: str, events: Events) -> Rejected:
        """Send `events`; return which are rejected.

        Raises `MissingStreamError`, and the errors of `export.errors`.
        """
        body = b'%b,"logEvents":[%b]}' % (_destination(group, stream)[:-1], events.json)
        response = self._call("PutLogEvents", body)
        return _rejected(response.body, events.length) if b"rejectedLogEventsInfo" in response.body else NONE_REJECTED

    def create_stream(self, group: str, stream: str) -> None:
        """Create the log stream."""
        self._call("CreateLogStream", _destination(group, stream))

    def _call(self, action: str, body: bytes) -> Response:
        return self._exporter.send(body, self._signed_headers(action, body))

    def _signed_headers(self, action: str, body: bytes) -> dict[str, str]:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise UnauthorizedError("no AWS credentials found: give the task a role, or set them")
        headers = {"x-amz-target": _TARGET + action, **_CONTENT_TYPE, "host": self._host}
        wait_for_slot()
        request = AWSRequest("POST", self._exporter.url, headers=headers, data=body)
        # Frozen: a role's credentials are renewed here, when they are about to expire.
        SigV4Auth(credentials.get_frozen_credentials(), _SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())


class _LogsExporter(HttpExporter):
    """Read the error code of a response: an AWS API says more by it than by the status."""

    def error_of(self, response: Response, message: str) -> Exception:
        """Return the error that `response` means."""
        code = _error_code(response)
        message = f"{message} {code}".rstrip()
        if code == "ResourceNotFoundException":
            return MissingStreamError(message)
        if code in _THROTTLING or code == "ExpiredTokenException":  # the next request is signed with new credentials
            return RetryAfterError(message, response.retry_after)
        if code in _UNAUTHORIZED and not (response.is_retryable or response.is_failure):
            response = response._replace(status=HTTPStatus.FORBIDDEN)
        return super().error_of(response, message)


def _destination(group: str, stream: str) -> bytes:
    return orjson.dumps({"logGroupName": group, "logStreamName": stream})


def _error_code(response: Response) -> str:
    """Return the error's name: `__type` of the body, without the namespace before it."""
    try:
        document = orjson.loads(response.body)
        return str(document["__type"]).rpartition("#")[2]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""


def _rejected(body: bytes, count: int) -> Rejected:
    """Return which of `count` events a successful response rejects.

    Of events in the order of their times, the first ones are too old or expired, and the last ones too new
    ("RejectedLogEventsInfo", CloudWatch Logs API Reference).
    """
    try:
        info: dict[str, Any] = orjson.loads(body).get("rejectedLogEventsInfo") or {}
        too_old = max(info.get("tooOldLogEventEndIndex") or 0, info.get("expiredLogEventEndIndex") or 0)
        first_too_new = info.get("tooNewLogEventStartIndex")
        too_new = 0 if first_too_new is None else max(0, count - first_too_new)
        rejected = max(0, min(count, too_old + too_new))
    except (orjson.JSONDecodeError, AttributeError, TypeError):  # they were accepted, whatever the body says
        return NONE_REJECTED
    return Rejected(
        rejected,
        f"CloudWatch Logs rejected lines: {too_old} too old or expired, {too_new} too new: "
        "check the retention of the log group, and the clock",
    )
