"""Make HTTP requests to this machine's own servers, past any proxy it is configured with."""

from __future__ import annotations

from typing import Final

import requests

READINESS_TIMEOUT_SECONDS: Final = 2
SUCCESS: Final = 2
"""The first digit of the statuses that are healthy: infra/load_balancer.py has the same."""


def direct_client() -> requests.Session:
    """Return a client that ignores proxy variables and netrc files. Close it after use."""
    client = requests.Session()
    client.trust_env = False
    return client


def is_ready(url: str) -> bool:
    """Return whether a GET of `url` gives a 2xx, as a load balancer's health check takes no other status."""
    response = response_of(url)
    return response is not None and response.status_code // 100 == SUCCESS


def response_of(url: str) -> requests.Response | None:
    """Return the response to a GET, which follows no redirect; None where there is none."""
    with direct_client() as client:
        try:
            return client.get(url, timeout=READINESS_TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException:
            return None
