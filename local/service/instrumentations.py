"""Read which libraries the running service does not trace, of those that it could."""

from __future__ import annotations

import requests

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH
from local.workspace.http_client import READINESS_TIMEOUT_SECONDS, direct_client
from local.workspace.ports import LOOPBACK


def untraced_libraries(port: int) -> list[str]:
    """Return a line for each instrumentation that is off, from the health check of the service on `port`."""
    with direct_client() as client:
        try:
            url = f"http://{LOOPBACK}:{port}{RUNTIME_HEALTH_CHECK_PATH}?detail"
            health = client.get(url, timeout=READINESS_TIMEOUT_SECONDS).json()
        except requests.RequestException:
            return []  # the smoke test says more
    states: dict[str, str] = health.get("instrumentations", {})
    return [f"calls of {name} are not traced: {state}" for name, state in states.items() if state.startswith("off")]
