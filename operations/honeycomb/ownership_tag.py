"""Tell what this made from what others made: by the last line of its description, which people leave alone.

Everything made here ends with `[kept by make honeycomb: latency-by-user 3f9a2c1b04de]`: the declaration's file, and for
a query the digest of what it asks. Whoever takes that line away makes the thing their own, and a new one is made.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

LONGEST_DESCRIPTION: Final = 900
"""Characters that a declaration may use, of the 1023 that Honeycomb takes."""

_MARKER = re.compile(r"\[kept by make honeycomb: (?P<key>[a-z0-9-]+)(?: (?P<digest>[0-9a-f]{12}))?\]\s*\Z")


class Marker(NamedTuple):
    """Which declaration a thing was made from; `digest` is empty where it has none."""

    key: str
    digest: str = ""

    def below(self, description: str) -> str:
        """Return `description` with this as its last line."""
        return f"{description}\n\n[kept by make honeycomb: {' '.join(filter(None, self))}]"


def marker_of(thing: Mapping[str, Any]) -> Marker | None:
    """Return the marker of what Honeycomb lists, or nothing where others made it."""
    found = _MARKER.search(str(thing.get("description") or ""))
    return Marker(found["key"], found["digest"] or "") if found else None


def digest(content: object) -> str:
    """Return twelve hexadecimal digits that differ where the JSON of `content` does."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()[:12]
