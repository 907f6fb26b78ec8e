"""Read from AWS without raising: an explanation with a gap is worth more than none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from botocore.exceptions import ClientError, CredentialRetrievalError, SSOError, TokenRetrievalError

from operations.deploy.plain_text import one_line

Value = TypeVar("Value")

EXPIRED: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
"""Error codes of credentials that have expired or were revoked ("Common errors" of each AWS API reference)."""
THROTTLED: Final = frozenset(
    {"RequestLimitExceeded", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)


class Reader:
    """Calls of AWS, and why the newest of each kind failed.

    `problems` has the message of each kind whose newest call failed. `credentials_expired` is about the newest call of
    all; a profile may renew its credentials by itself.
    """

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}
        self.credentials_expired = False
        self.throttled = False

    def read(self, what: str, call: Callable[[], Value], default: Value) -> Value:
        """Return the result of one call of AWS, or `default` if it raises anything."""

        def accepted() -> Value:
            value = call()
            self.credentials_expired = False
            return value

        return self.protect(what, accepted, default)

    def protect(self, what: str, work: Callable[[], Value], default: Value) -> Value:
        """Return the result of `work`, of which `read` makes the calls of AWS, or `default` if it raises anything."""
        try:
            value = work()
        except Exception as error:  # noqa: BLE001 - whatever AWS answers, the CDK's own exit status must survive it
            self.problems[what] = _reason(error)
            self.credentials_expired = is_expired(error)
            self.throttled = self.throttled or error_code(error) in THROTTLED
            return default
        self.problems.pop(what, None)
        return value


def is_expired(error: Exception) -> bool:
    """Return whether `error` says that the credentials have expired, were revoked, or cannot be renewed."""
    return isinstance(error, CredentialRetrievalError | SSOError | TokenRetrievalError) or error_code(error) in EXPIRED


def error_code(error: Exception) -> str:
    """Return the code of an AWS error response, empty for any other exception."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _reason(error: Exception) -> str:
    known = isinstance(error, ClientError) or type(error).__module__.startswith("botocore")
    return one_line(error if known else f"{type(error).__name__}: {error}")
