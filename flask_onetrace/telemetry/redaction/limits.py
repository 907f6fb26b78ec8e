"""Limit what telemetry keeps of texts and collections that clients and handlers control. Lengths are in characters."""

from __future__ import annotations

from typing import Final

MAX_TEXT: Final = 8 * 1024
"""An attribute, an exception's message, a description."""
MAX_MESSAGE: Final = 32 * 1024
"""A log message."""
MAX_NAME: Final = 256
"""A span, subsegment, logger, attribute or event's name."""
MAX_PATH: Final = 1024
MAX_QUERY: Final = 2 * 1024
MAX_USER_AGENT: Final = 512
MAX_USER_ID: Final = 256
MAX_HOST: Final = 255
"""A host name ("Domain names", RFC 1035)."""
MAX_METHOD: Final = 32
MAX_ADDRESS: Final = 45
"""An IPv6 address with an IPv4 address in it (`INET6_ADDRSTRLEN`, POSIX, without its end)."""
MAX_DEPTH: Final = 16
MAX_ITEMS: Final = 1_000
"""Values in a collection, and in all that it contains."""
MAX_TEXTS: Final = 128 * 1024
"""All texts in a collection together."""
MAX_SECONDS: Final = 1.0
"""For which one value is copied: a millisecond or so is usual."""
CUT: Final = "…"


def cut(text: str, limit: int) -> str:
    """Return `text`, or its beginning and an ellipsis: `limit` characters at most."""
    return text if len(text) <= limit else text[: limit - 1] + CUT
