"""Check the service's health, for the container's HEALTHCHECK: the image has no curl."""

from __future__ import annotations

import sys
import urllib.request

from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings

_TIMEOUT = 3.0
# This machine's own port: never through a proxy of the environment, whose URL an error would quote.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Return 0 when the health check on this machine's port responds with a 2xx, else 1 with the reason on stderr."""
    try:
        settings = Settings.from_env()
        url = f"http://127.0.0.1:{settings.port}{settings.health_check_path}"
        with _DIRECT.open(url, timeout=_TIMEOUT):
            return 0
    # An invalid setting, a refused connection, a status other than 2xx, or a timeout.
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"not healthy: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
