"""Call CloudWatch Logs' PutLogEvents with one signed request a batch.

boto3's client checks every parameter, writes JSON with Python's own encoder and holds its service model in memory: for
one call, made a few times a second, botocore's credentials and signature are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import orjson
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.session import Session

from service.telemetry.export.errors import BusyError, PermanentError, UnauthorizedError
from service.telemetry.export.gil_pacing import wait_for_turn
from service.telemetry.export.http import Answer, Poster

_SERVICE = "logs"
_TARGET = "Logs_20140328."
_FINE = 200
_THROTTLED = frozenset({"ThrottlingException", "ServiceUnavailableException", "LimitExceededException"})
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
"""Errors that all of the same credentials will meet ("Common errors", CloudWatch Logs API Reference)."""
_REMEDY = "allow the task role logs:PutLogEvents and logs:CreateLogStream on the log group, and check its credentials"


class MissingStreamError(Exception):
    """The log stream, or its group, is not there."""


class LogsApi:
    """The two actions that shipping lines takes, for one sending thread. Nothing is reached before the first call."""

    def __init__(self, region: str | None) -> None:
        self._session = Session()
        self._region = region or self._session.get_config_variable("region")
        if self._region is None:
            raise PermanentError("the region is not known: set AWS_REGION")
        url = self._endpoint(self._region)
        self._poster = Poster(url, {"content-type": "application/x-amz-json-1.1"})
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

    def put(self, group: str, stream: str, events: Sequence[bytes]) -> None:
        """Send `events`, each the JSON of an `InputLogEvent`. Raises `MissingStreamError`, and the batcher's errors."""
        body = b'%b,"logEvents":[%b]}' % (_destination(group, stream)[:-1], b",".join(events))
        self._call("PutLogEvents", body)

    def create_stream(self, group: str, stream: str) -> None:
        """Create the log stream."""
        self._call("CreateLogStream", _destination(group, stream))

    def _call(self, action: str, body: bytes) -> None:
        answer = self._poster.post(body, self._signed(action, body))
        if answer.status != _FINE:
            _raise(action, answer)

    def _signed(self, action: str, body: bytes) -> dict[str, str]:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise UnauthorizedError("no AWS credentials are to be found: give the task a role, or set them")
        headers = {"x-amz-target": _TARGET + action, "content-type": "application/x-amz-json-1.1", "host": self._host}
        wait_for_turn()
        request = AWSRequest("POST", self._poster.url, headers=headers, data=body)
        # Frozen: a role's credentials are renewed here, when they are about to expire.
        SigV4Auth(credentials.get_frozen_credentials(), _SERVICE, self._region).add_auth(request)
        return dict(request.headers.items())


def _destination(group: str, stream: str) -> bytes:
    return orjson.dumps({"logGroupName": group, "logStreamName": stream})


def _raise(action: str, answer: Answer) -> None:
    """Raise what an answer that is no success means."""
    error = _error_of(answer)
    said = f"{action} answered {answer.status} {error}"
    if error == "ResourceNotFoundException":
        raise MissingStreamError(said)
    if error in _THROTTLED or answer.is_busy:
        raise BusyError(said, answer.retry_after)
    if error in _UNAUTHORIZED or answer.status in {401, 403}:
        raise UnauthorizedError(f"{said}: {_REMEDY}")
    if error == "ExpiredTokenException":  # the next batch is signed with new credentials
        raise BusyError(said)
    raise PermanentError(said)


def _error_of(answer: Answer) -> str:
    """Return the error's name: `__type` of the body, without the namespace before it."""
    try:
        document = orjson.loads(answer.body)
        return str(document["__type"]).rpartition("#")[2]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
