"""Call Honeycomb's configuration API (Honeycomb API reference, version 1)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import requests

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE, HONEYCOMB_API
from flask_onetrace.masking import masked
from flask_onetrace.telemetry.config import Secret
from infra.names import Names
from operations.errors import OperatorError
from operations.honeycomb.http_errors import REQUIRED_KEY, error_response, no_response, unexpected_response
from operations.honeycomb.retry import MAX_ATTEMPTS, RETRY_BUDGET, retry_delay
from operations.keys import find_key

REGIONS: Final = {"api.honeycomb.io": "US", "api.eu1.honeycomb.io": "EU"}
"""The region of the API at each host, the default one first (Honeycomb API reference, "Servers")."""
ALL_DATASETS: Final = "__all__"
"""The slug for all datasets of a Honeycomb environment."""

_URL_VARIABLE: Final = "HONEYCOMB_API_URL"
SAFE_URL: Final = re.compile(r"(https://[\w.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:\d+)?(/[\w./-]*)?")
"""Encrypted, or on this machine; without credentials, query or fragment."""
_TIMEOUT: Final = (5.0, 30.0)
Json = dict[str, Any]


class HoneycombClient:
    """Send requests with one key. Every method raises `OperatorError`, which never shows the key."""

    def __init__(self, session: requests.Session, url: str, key: Secret[str], sleep: Callable[[float], None]) -> None:
        self._session = session
        self.url = url
        self.key = key
        self._sleep = sleep
        self._retry_budget = RETRY_BUDGET

    def get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the JSON at `path`."""
        return self._request("GET", path)

    def list(self, path: str) -> list[Json]:
        """Return the resources at `path`, each with its id. Raises `NotFoundError` where `path` does not exist."""
        resources = self._request("GET", path)
        if not isinstance(resources, list) or not all(isinstance(each, dict) and each.get("id") for each in resources):
            raise unexpected_response(self.url, f"GET {path}")
        return resources

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        """Create a resource and return it, with its id."""
        return self._write("POST", path, body)

    def put(self, path: str, body: Mapping[str, Any]) -> Json:
        """Replace the resource at `path` and return it."""
        return self._write("PUT", path, body)

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Json:
        resource = self._request(method, path, body)
        if not isinstance(resource, dict) or not isinstance(resource.get("id"), str):
            raise unexpected_response(self.url, f"{method} {path}")
        return resource

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - as above
        response = self._send(method, path, body)
        if not response.ok or response.is_redirect:
            raise error_response(response, f"{method} {path}", self.key.reveal())
        try:
            return response.json()
        except ValueError as error:
            raise unexpected_response(self.url, f"{method} {path}") from error

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.Response:
        """Return the first response that is not worth a retry, or the last one."""
        # urllib3's Retry has no budget for a whole run, and would need a subclass to retry a POST only after a 429.
        for attempt in range(1, MAX_ATTEMPTS + 1):
            response: requests.Response | None = None
            cause: requests.RequestException | None = None
            try:
                response = self._session.request(
                    method,
                    self.url + path,
                    json=body,
                    headers={"X-Honeycomb-Team": self.key.reveal()},
                    timeout=_TIMEOUT,
                    # requests would forward the key to the redirect's host: it drops only `Authorization`.
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                cause = error
            delay = retry_delay(method, response, attempt)
            if delay is None or delay > self._retry_budget or attempt == MAX_ATTEMPTS:
                break
            self._retry_budget -= delay
            self._sleep(delay)
        if response is None:
            raise no_response(self.url, f"{method} {path}", cause) from cause
        return response


@contextmanager
def connect(names: Names, sleep: Callable[[float], None]) -> Iterator[HoneycombClient]:
    """Yield a client with the configuration key of an environment. Raises `OperatorError`."""
    with requests.Session() as session:
        yield client_of(names, sleep, session)


def client_of(names: Names, sleep: Callable[[float], None], session: requests.Session | None = None) -> HoneycombClient:
    """Return a client with the configuration key of an environment.

    Raises `MissingKeyError` where there is none, and `OperatorError`.
    """
    ingest = "the service's own HONEYCOMB_API_KEY is an ingest key and cannot do this"
    remedy = f"Set {CONFIGURATION_KEY_VARIABLE} to {REQUIRED_KEY}; {ingest}"
    key = find_key(CONFIGURATION_KEY_VARIABLE, names, remedy)
    return HoneycombClient(session or requests.Session(), _api_url(), key, sleep)


def _api_url() -> str:
    """Return the API's URL without a trailing slash. Raises `OperatorError` for one that would expose the key."""
    url = os.environ.get(_URL_VARIABLE, "").strip().rstrip("/") or HONEYCOMB_API
    if not SAFE_URL.fullmatch(url):
        raise OperatorError(f"{_URL_VARIABLE} is {masked(url)}", "Set it to an https:// URL without user or query")
    return url
