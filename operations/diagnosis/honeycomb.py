"""Ask Honeycomb's regions which of them accepts the configuration key ("List Authorizations", Honeycomb API)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import requests

from operations.traces.deployment import Deployment

_TIMEOUT: Final = (3.0, 5.0)


def accepting_hosts(deployment: Deployment) -> Sequence[str]:
    """Return the hosts that accept the configuration key; none without a key, or where none responds."""
    if deployment.honeycomb_key is None:
        return ()
    headers = {"X-Honeycomb-Team": deployment.honeycomb_key.reveal()}
    return [host for host, url in deployment.honeycomb_urls.items() if _accepts(url, headers)]


def _accepts(url: str, headers: dict[str, str]) -> bool:
    with requests.Session() as session:
        session.trust_env = not url.startswith("http://127.0.0.1")  # no proxy for this machine's own
        try:
            return session.get(f"{url}/1/auth", headers=headers, timeout=_TIMEOUT, allow_redirects=False).ok
        except requests.RequestException:
            return False
