"""Make HTTP requests to this machine's own servers, past any proxy it is configured with."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import requests

READINESS_TIMEOUT_SECONDS: Final = 2


def direct_client() -> requests.Session:
    """Return a client that ignores proxy variables and netrc files. Close it after use."""
    client = requests.Session()
    client.trust_env = False
    return client


def is_ready(url: str) -> bool:
    """Return whether a GET of `url` gives 200, as a load balancer's health check takes no other status."""
    response = response_of(url)
    return response is not None and response.status_code == HTTPStatus.OK


def response_of(url: str) -> requests.Response | None:
    """Return the response to a GET, which follows no redirect; None where there is none."""
    with direct_client() as client:
        try:
            return client.get(url, timeout=READINESS_TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return None
