"""Define what stands where a secret was."""

from __future__ import annotations

from typing import Final

REDACTED: Final = "REDACTED"
"""What stands where a secret was: OpenTelemetry's own mask (`url.full`), valid in a URL and in a segment's name."""
