"""Ask the service for its health, for the container's HEALTHCHECK: the image has no curl."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

from service.contract import HEALTH_CHECK_PATH
from service.settings import Settings

_TIMEOUT = 3.0


def main() -> int:
    """Return 0 when the service answers 200 on its own port, else 1 with the reason on standard error."""
    url = f"http://127.0.0.1:{Settings.from_env().port}{HEALTH_CHECK_PATH}"
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT):
            return 0
    except urllib.error.URLError as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
