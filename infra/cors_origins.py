"""Describe the origins that may call the service besides its own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.domain import is_domain_name

_ORIGIN: Final = re.compile(r"https?://(?P<host>[a-z0-9.-]+)(?::(?P<port>[1-9]\d{0,4}))?")
_MAX_PORT: Final = 65535
_OWN_PORTS: Final = ("http:80", "https:443")


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsOrigins:
    """The origins of front ends that are served elsewhere, and the service's own where a proxy hides it.

    They become FRONTEND_URL and BACKEND_URL. Raises `ValueError` for a malformed origin.
    """

    frontend: Sequence[str] = ()
    backend: Sequence[str] = ()

    def __post_init__(self) -> None:
        for field in ("frontend", "backend"):
            origins: Sequence[str] = getattr(self, field)
            # A text is a sequence of its characters, too.
            for origin in (origins,) if isinstance(origins, str) else origins:
                if isinstance(origins, str) or not _is_origin(origin):
                    raise ValueError(
                        f"{field} origin {_shown(origin)} is malformed: write a tuple of origins as browsers send "
                        "them, in lower case, without path and the scheme's own port, for example "
                        "('https://app.example.com',)"
                    )


def _is_origin(text: str) -> bool:
    origin = _ORIGIN.fullmatch(text)
    if origin is None or not (origin["host"] == "localhost" or is_domain_name(origin["host"])):
        return False
    port = origin["port"]
    return port is None or (int(port) <= _MAX_PORT and f"{text.partition(':')[0]}:{port}" not in _OWN_PORTS)


def _shown(origin: str) -> str:
    # The user information of a URL is a credential.
    return "(not shown)" if "@" in origin else repr(origin)
