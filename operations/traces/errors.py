"""Say why a place cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import OperatorError, without_credentials
from operations.traces.document import Place
from operations.traces.records import text


class ReadError(OperatorError):
    """A place that does not respond, refuses the key or the credentials, or returns what is no telemetry."""


NOT_FOUND: Final = "ResourceNotFoundException"
"""The error code of CloudWatch Logs for a log group that does not exist ("FilterLogEvents", API Reference)."""
_MAX_TEXT: Final = 200


def read_error(place: Place, error: Exception) -> ReadError:
    """Return why a place cannot be read: `error`, or where a client or a record failed unexpectedly, that."""
    if isinstance(error, ReadError):
        return error
    reason = " ".join(f"{type(error).__name__}: {without_credentials(error)}".split())[:_MAX_TEXT].rstrip(".: ")
    return ReadError(
        f"What {place.label} returned cannot be read ({text(reason)})",
        f"Look at it in {place.label} itself; the other places are shown",
    )


@contextmanager
def reading(what: str, remedy: str) -> Iterator[None]:
    """Turn the errors of a call of AWS that reads `what` into `ReadError`."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == NOT_FOUND:
            raise ReadError(f"{what} does not exist", "Run make verify, which says how to create it again") from error
        reason = " ".join(without_credentials(error).split()).rstrip(".")
        raise ReadError(f"{what} cannot be read ({text(reason)})", remedy) from error
