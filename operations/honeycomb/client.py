"""Call Honeycomb's configuration API (Honeycomb API reference, version 1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from operations.honeycomb.errors import HoneycombError
from operations.honeycomb.http_errors import no_answer, not_honeycombs, refusal
from operations.honeycomb.retry import ATTEMPTS, Patience, pause_before_retry
from service.values import Secret

DEFAULT_URL: Final = "https://api.honeycomb.io"
VARIABLE: Final = "HONEYCOMB_API_URL"
KEY_HEADER: Final = "X-Honeycomb-Team"

_TIMEOUT = (5.0, 30.0)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Body = dict[str, Any]


def find_url(environ: Mapping[str, str]) -> str:
    """Return the API's address without a trailing slash. Raises `HoneycombError` for one that would show the key."""
    url = environ.get(VARIABLE, "").strip().rstrip("/") or DEFAULT_URL
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        shown = re.sub(r"//[^/]*@", "//***@", url)
        raise HoneycombError(f"{VARIABLE} is {shown!r}", "Set it to an https:// address; http:// is for this machine")
    return url


class Honeycomb:
    """The API as one key sees it. Every call raises `HoneycombError`, which never holds the key."""

    def __init__(self, url: str, key: Secret[str], patience: Patience) -> None:
        self._url = url
        self._key = key
        self._patience = patience
        self._session = requests.Session()

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what is at `path`."""
        return self._json("GET", path, None)

    def get_or_none(self, path: str) -> Any | None:  # noqa: ANN401 - as above
        """Return what is at `path`, or nothing where nothing is (404)."""
        answer = self._answer("GET", path, None)
        return None if answer.status_code == requests.codes.not_found else self._read(answer, f"GET {path}")

    def make(self, path: str, body: Body) -> Body:
        """Make what `body` says and return it, with its id. Sent again after 429 alone, where nothing was made."""
        made = self._json("POST", path, body)
        if not isinstance(made, dict) or not isinstance(made.get("id"), str):
            raise not_honeycombs(self._url, f"POST {path}")
        return made

    def put(self, path: str, body: Body) -> None:
        """Put `body` in the place of what is at `path`."""
        self._json("PUT", path, body)

    def _json(self, method: str, path: str, body: Body | None) -> Any:  # noqa: ANN401 - as above
        return self._read(self._answer(method, path, body), f"{method} {path}")

    def _read(self, answer: requests.Response, asked: str) -> Any:  # noqa: ANN401 - as above
        if not answer.ok or answer.is_redirect:
            raise self._redacted(refusal(answer, asked))
        try:
            return answer.json()
        except ValueError as error:
            raise not_honeycombs(self._url, asked) from error

    def _answer(self, method: str, path: str, body: Body | None) -> requests.Response:
        """Return the last answer, after as many attempts as there may be."""
        reason: requests.RequestException | None = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._send(method, path, body)
            except requests.RequestException as error:
                answer, reason = None, error
            pause = pause_before_retry(method, answer, attempt)
            if pause is None or attempt == ATTEMPTS or not self._patience.allows(pause):
                break
        if answer is None:
            raise no_answer(self._url, f"{method} {path}", reason) from reason
        return answer

    def _send(self, method: str, path: str, body: Body | None) -> requests.Response:
        return self._session.request(
            method,
            self._url + path,
            json=body,
            headers={KEY_HEADER: self._key.reveal()},
            timeout=_TIMEOUT,
            # Another host would be handed the key: requests takes back `Authorization` alone.
            allow_redirects=False,
        )

    def _redacted(self, error: HoneycombError) -> HoneycombError:
        """Return `error` without the key, which a server could repeat."""
        return HoneycombError(error.problem.replace(self._key.reveal(), "***"), error.remedy)
