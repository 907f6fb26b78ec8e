"""Send bodies to a back end's HTTP endpoint, and map error statuses to the exceptions that the retry handles."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from flask_onetrace.telemetry.export.errors import (
    BadRequestError,
    RejectedError,
    RetryAfterError,
    ServerError,
    UnauthorizedError,
)
from flask_onetrace.telemetry.export.http import HttpClient, Response

_UNAUTHORIZED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_BAD_REQUEST = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
"""A part of the body may be accepted where the whole is not."""


class HttpExporter:
    """Post to one URL. `credentials_remedy` and `endpoint_remedy` end the errors: what to check, and how.

    `retries_failures` says that a 408 or 500 is to be retried, a bounded number of times. OTLP forbids that.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        credentials_remedy: str,
        endpoint_remedy: str,
        retries_failures: bool = True,
    ) -> None:
        self.url = url
        self._client = HttpClient(url, headers)
        self._credentials_remedy = credentials_remedy
        self._endpoint_remedy = endpoint_remedy
        self._retries_failures = retries_failures

    def send(self, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
        """Post `body`; return the response of a 2xx, raise an error of `export.errors` for any other status."""
        response = self._client.post(body, headers)
        if not response.is_success:
            raise self.error_of(response, f"{self.url} answered {response.status}")
        return response

    def error_of(self, response: Response, message: str) -> Exception:
        """Return the error that `response` means, which begins with `message`."""
        if response.is_retryable:
            return RetryAfterError(message, response.retry_after)
        if response.is_failure:
            # Where it must not be retried, its halves can be sent: one item may be the cause.
            return ServerError(message, response.retry_after) if self._retries_failures else BadRequestError(message)
        if response.status in _UNAUTHORIZED:
            return UnauthorizedError(f"{message}: {self._credentials_remedy}")
        if response.status in _BAD_REQUEST:
            return BadRequestError(f"{message}: {self._endpoint_remedy}")
        return RejectedError(f"{message}: {self._endpoint_remedy}")
