"""Make HTTP requests to this machine's own servers, past any proxy it is configured with."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import requests

from flask_onetrace.contract import TRACE_ID_HEADER

READINESS_TIMEOUT_SECONDS: Final = 2
SUCCESS: Final = 2
"""The first digit of the statuses that are healthy: infra/load_balancer.py has the same."""
TRACE_ID_DIGITS: Final = 32


def direct_client() -> requests.Session:
    """Return a client that ignores proxy variables and netrc files. Close it after use."""
    client = requests.Session()
    client.trust_env = False
    return client


def is_ready(url: str) -> bool:
    """Return whether a GET of `url` gives a 2xx, as a load balancer's health check takes no other status."""
    response = response_of(url)
    return response is not None and response.status_code // 100 == SUCCESS


def response_of(url: str, seconds: float = READINESS_TIMEOUT_SECONDS) -> requests.Response | None:
    """Return the response to a GET, which follows no redirect; None where there is none within so many seconds."""
    with direct_client() as client:
        try:
            return client.get(url, timeout=seconds, allow_redirects=False)
        except requests.RequestException:
            return None


def trace_id_of(response: requests.Response) -> str:
    """Return the trace id of a response; "" where its header has none."""
    trace_id = response.headers.get(TRACE_ID_HEADER, "")
    return trace_id if len(trace_id) == TRACE_ID_DIGITS else ""


def path_with_slash(path: str, location: str) -> str | None:
    """Return the path with a slash at its end if a redirect adds just that, as Flask does for `/things/`; else None."""
    with_slash = f"{path.partition('?')[0]}/"
    return with_slash if urlsplit(location).path == with_slash else None
