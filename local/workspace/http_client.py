"""Make HTTP requests to this machine's own servers, past any proxy it is configured with."""

from __future__ import annotations

from typing import Final

import requests

READINESS_TIMEOUT_SECONDS: Final = 2
_CLIENT_ERROR: Final = 400


def direct_client() -> requests.Session:
    """Return a client that ignores proxy variables and netrc files. Close it after use."""
    client = requests.Session()
    client.trust_env = False
    return client


def is_ready(url: str) -> bool:
    """Return whether a GET of `url` gives a status below 400."""
    status = status_of(url)
    return status is not None and status < _CLIENT_ERROR


def status_of(url: str) -> int | None:
    """Return the status of a GET, None where there is no response."""
    with direct_client() as client:
        try:
            return client.get(url, timeout=READINESS_TIMEOUT_SECONDS).status_code
        except requests.RequestException:
            return None
