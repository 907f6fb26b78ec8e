"""Generate and convert trace ids: one 128-bit number, as 32 hex digits or in X-Ray's format `1-8hex-24hex`.

X-Ray's format is in "Sending trace data to AWS X-Ray": the first 32 bits are the epoch seconds of the
first request, the other 96 are random. Every id generated here follows it, so that all sinks accept it.
"""

from __future__ import annotations

import os
import random
import re
import time

_RANDOM_BITS = 96
_XRAY_ID = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")

# An instance of its own: an application that seeds Python's global generator must not cause duplicate ids.
# It is seeded by the operating system, and again in each forked worker.
private_random = random.Random()  # noqa: S311 - ids need to be unique, not secret
os.register_at_fork(after_in_child=private_random.seed)


def new_trace_id(seconds: float | None = None) -> int:
    """Return a new trace id in X-Ray's format; `seconds` since the epoch default to now."""
    epoch = int(time.time() if seconds is None else seconds) & 0xFFFFFFFF
    return epoch << _RANDOM_BITS | (private_random.getrandbits(_RANDOM_BITS) or 1)


def new_span_id() -> int:
    """Return a new 64-bit span id, never 0, which W3C Trace Context defines as invalid."""
    return private_random.getrandbits(64) or 1


def trace_hex(trace_id: int) -> str:
    """Return the 32 lower-case hex digits that OpenTelemetry and Honeycomb show."""
    return trace_id.to_bytes(16, "big").hex()


def span_hex(span_id: int) -> str:
    """Return the 16 lower-case hex digits that all sinks show."""
    return span_id.to_bytes(8, "big").hex()


def xray_trace_id(trace_id: int) -> str:
    """Return the id as X-Ray writes it, `1-5759e988-bd862e3fe1be46a994272793`."""
    digits = trace_id.to_bytes(16, "big").hex()
    return f"1-{digits[:8]}-{digits[8:]}"


def xray_format(digits: str) -> str:
    """Return a trace id's 32 hex digits as X-Ray writes them."""
    return f"1-{digits[:8]}-{digits[8:]}"


def parse_xray_trace_id(text: str) -> int | None:
    """Return the 128-bit id of `text` in X-Ray's format, or None if it does not match."""
    match = _XRAY_ID.fullmatch(text)
    return int(match[1] + match[2], 16) or None if match else None
