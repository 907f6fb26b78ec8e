"""Read Rollbar's occurrences (Rollbar API reference, "List all occurrences in a project").

The API has no search by a field of an item: the pages, newest first, are read until they are older than the trace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

import requests

from flask_onetrace.telemetry.config import Secret
from operations.traces.document import Json
from operations.traces.errors import ReadError
from operations.traces.summary import number
from operations.traces.trace_ids import started

TOKEN_VARIABLE: Final = "ROLLBAR_READ_TOKEN"  # noqa: S105 - a variable's name
TOKEN_HEADER: Final = "X-Rollbar-Access-Token"  # noqa: S105 - a header's name
PAGE: Final = 20
"""Occurrences of a page."""
MAX_PAGES: Final = 25
_MARGIN: Final = 300
"""Seconds by which an occurrence may be older than its trace: clocks differ."""
_TIMEOUT: Final = (5.0, 15.0)
READ_TOKEN: Final = "a project access token with the scope read (in Rollbar: project settings, Project Access Tokens)"  # noqa: S105 - a description


class RollbarReader:
    """Read the occurrences of one project. Every method raises `ReadError`, which never shows the token.

    `url` is the API's, `https://api.rollbar.com/api/1/`.
    """

    def __init__(
        self,
        session: requests.Session,
        url: str,
        token: Secret[str],
        *,
        max_pages: int = MAX_PAGES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._url = url
        self._token = token
        self._max_pages = max_pages
        self._now = now

    def items(self, trace_id: str) -> Sequence[Json]:
        """Return the items of a trace, the oldest first. Raises `ReadError` too where it is too old to be reached."""
        begin = started(trace_id)
        oldest = 0.0 if begin is None else begin - _MARGIN
        items = []
        for count, item in enumerate(self._items(), start=1):
            if trace_id_of(item) == trace_id:
                items.append(item)
            elif _timestamp(item) < oldest:
                break
            elif count == self._max_pages * PAGE and not items and begin is not None:
                raise ReadError(
                    f"Rollbar's newest {count} occurrences are all newer than the trace",
                    f"Search for custom.trace_id: {trace_id} in Rollbar",
                )
        return items[::-1]

    def newest_items(self, limit: int) -> Sequence[Json]:
        """Return up to `limit` items, newest first."""
        return list(islice(self._items(), limit))

    def _items(self) -> Iterator[Json]:
        for page in range(1, self._max_pages + 1):
            occurrences = self._page(page)
            yield from (each["data"] for each in occurrences if isinstance(each.get("data"), dict))
            if len(occurrences) < PAGE:
                return

    def _page(self, page: int) -> list[Json]:
        request = f"GET {self._url}instances/"
        try:
            response = self._session.get(
                f"{self._url}instances/",
                params={"page": page},
                headers={TOKEN_HEADER: self._token.reveal()},
                timeout=_TIMEOUT,
                allow_redirects=False,  # requests would forward the token to the redirect's host
            )
        except requests.RequestException as error:
            problem = f"{request}: no response ({type(error).__name__})"
            raise ReadError(problem, "Check the network, and ROLLBAR_ENDPOINT where it is set") from error
        if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            problem = f"{request}: Rollbar rejected the token ({response.status_code})"
            raise ReadError(problem, f"Set {TOKEN_VARIABLE} to {READ_TOKEN}")
        try:
            occurrences: Any = response.json()["result"]["instances"] if response.ok else None
        except (ValueError, KeyError, TypeError):
            occurrences = None
        if not isinstance(occurrences, list):
            problem = f"{request}: Rollbar answered {response.status_code} without occurrences"
            raise ReadError(problem, "Try again later")
        return [each for each in occurrences if isinstance(each, dict)]


def trace_id_of(item: Json) -> str:
    """Return the trace id of an item; "" where it has none."""
    custom = item.get("custom")
    return str((isinstance(custom, dict) and custom.get("trace_id")) or item.get("trace_id") or "").lower()


def url(item: Json) -> str | None:
    """Return the URL of an item's occurrence, by its uuid."""
    uuid = item.get("uuid")
    return f"https://rollbar.com/instance/uuid?uuid={uuid}" if isinstance(uuid, str) and _is_uuid(uuid) else None


def _is_uuid(text: str) -> bool:
    return bool(text) and all(each.isalnum() or each == "-" for each in text)


def _timestamp(item: Json) -> float:
    return number(item.get("timestamp")) or float("inf")
