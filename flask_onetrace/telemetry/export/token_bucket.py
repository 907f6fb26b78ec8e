"""Limit a rate, and allow bursts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """A bucket of `tokens`, filled up to the time `updated`, in seconds by the owner's clock. Not thread-safe."""

    tokens: float
    updated: float

    def refill(self, now: float, per_second: float, burst: float) -> None:
        """Add what has come since the last call, up to `burst` in all."""
        self.tokens = min(burst, self.tokens + (now - self.updated) * per_second)
        self.updated = now
