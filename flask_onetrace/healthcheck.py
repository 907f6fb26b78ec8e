"""Check the service's health, for the container's HEALTHCHECK: the image has no curl."""

from __future__ import annotations

import sys
import urllib.request
from urllib.error import HTTPError

from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings

_TIMEOUT = 3.0
_SUCCESS = 2


class _Unredirected(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the load balancer's health check does not, and takes a login page for no health."""

    def redirect_request(self, *_: object) -> None:
        """Leave the response as it is, for an `HTTPError` to be raised of it."""


# This machine's own port: never through a proxy of the environment, whose URL an error would quote.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Unredirected())


def main() -> int:
    """Return 0 when the health check on this machine's port responds with a 2xx, else 1 with the reason on stderr."""
    try:
        settings = Settings.from_env()
        reason = _problem(settings.port, settings.health_check_path)
    # An invalid setting, a refused connection, or a timeout.
    except (SettingsError, OSError) as error:
        reason = str(error)
    if reason is None:
        return 0
    sys.stderr.write(f"not healthy: {reason}\n")
    return 1


def _problem(port: int, path: str) -> str | None:
    """Return what is wrong with the response, None for a 2xx. Raises `OSError` where there is none."""
    try:
        with _DIRECT.open(f"http://127.0.0.1:{port}{path}", timeout=_TIMEOUT) as response:
            status, location = response.status, None
    except HTTPError as error:
        with error:
            status, location = error.code, error.headers.get("Location")
    if status // 100 == _SUCCESS:
        return None
    return f"GET {path} returned {status}{f' to {location}' if location else ''}, expected a 2xx"


if __name__ == "__main__":
    sys.exit(main())
