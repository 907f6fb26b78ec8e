"""Mark what `make honeycomb` creates by the last line of its description.

It reads `[kept by make honeycomb: cruddur/latency-by-user 3f9a2c1b04de]`: the application, the declaration's file name
and, for a query, a digest of its specification. Deleting that line makes the resource one's own; the next run creates
a new one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_TAG = re.compile(
    r"\[kept by make honeycomb: (?:(?P<application>[a-z0-9]+)/)?(?P<key>[a-z0-9-]+)"
    r"(?: (?P<digest>[0-9a-f]{12}))?\]\s*\Z"
)


class OwnershipTag(NamedTuple):
    """Which application's declaration a resource comes from; `digest` is empty except for queries."""

    application: str
    key: str
    digest: str = ""

    def append_to(self, description: str) -> str:
        """Return `description` with this tag as its last line."""
        return f"{description}\n\n[kept by make honeycomb: {self.application}/{' '.join(filter(None, self[1:]))}]"


def tag_of(resource: Mapping[str, Any]) -> OwnershipTag | None:
    """Return the tag of a resource that Honeycomb lists; `None` where `make honeycomb` does not own it."""
    match = _TAG.search(str(resource.get("description") or ""))
    if match is None:
        return None
    return OwnershipTag(match["application"] or _named_application(resource), match["key"], match["digest"] or "")


def _named_application(resource: Mapping[str, Any]) -> str:
    """Return the application that begins a resource's name, for the tags of before there were several."""
    return str(resource.get("name") or "").partition(":")[0].strip().lower()


def digest(document: object) -> str:
    """Return twelve hexadecimal digits of the SHA-256 of `document` as canonical JSON."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(canonical).hexdigest()[:12]
