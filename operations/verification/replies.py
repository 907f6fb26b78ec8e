"""Read a response with a limit: whatever answers at a URL, a verification stays small and ends."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from json import loads
from typing import Any, Final

import requests

MAX_BODY: Final = 64 * 1024
"""Bytes of a body that are read: of a health check all, of an error's page enough to recognize it."""
MAX_SECONDS: Final = 15.0
"""For which a body is read."""
_CHUNK: Final = 8 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A response; `headers` ignore the case of a name, and `text` is the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_success(self) -> bool:
        """Return whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def location(self) -> str:
        """Return ` to <URL>` of a redirect, empty for another response."""
        return f" to {self.headers['Location']}" if "Location" in self.headers else ""

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON of the body, None where it is none."""
        try:
            return loads(self.text)
        except (ValueError, RecursionError):
            return None


def send(
    session: requests.Session,
    method: str,
    url: str,
    *,
    timeout: tuple[float, float],
    headers: Mapping[str, str] | None = None,
    json: object = None,
) -> Reply:
    """Send a request, follow no redirect, and return the reply; a timeout is for the connection and for each read.

    By the session's adapter, as the session reads the whole body of a redirect, also of one that it does not follow.
    Raises `requests.RequestException`, and `ValueError` for what is no HTTP.
    """
    prepared = session.prepare_request(requests.Request(method, url, headers=headers, json=json))
    settings: Any = session.merge_environment_settings(url, {}, stream=True, verify=None, cert=None)
    with session.get_adapter(url).send(prepared, timeout=timeout, **settings) as response:
        body, end = b"", time.monotonic() + MAX_SECONDS
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) >= MAX_BODY or time.monotonic() > end:
                break
        text = body[:MAX_BODY].decode(response.encoding or "utf-8", errors="replace")
        return Reply(response.status_code, response.headers, text)
