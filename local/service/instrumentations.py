"""Read which libraries the running service does not trace, of those that it could."""

from __future__ import annotations

import requests

from local.workspace.http_client import READINESS_TIMEOUT_SECONDS, direct_client
from local.workspace.ports import LOOPBACK


def untraced_libraries(port: int, health_check_path: str) -> list[str]:
    """Return a line for each instrumentation that is off, from the health check of the service on `port`."""
    with direct_client() as client:
        try:
            url = f"http://{LOOPBACK}:{port}{health_check_path}?detail"
            health = client.get(url, timeout=READINESS_TIMEOUT_SECONDS).json()
        except (requests.RequestException, ValueError):
            return []  # an application's own health check, or none: the smoke test says more
    states: dict[str, str] = health.get("instrumentations", {}) if isinstance(health, dict) else {}
    return [f"calls of {name} are not traced: {state}" for name, state in states.items() if state.startswith("off")]
