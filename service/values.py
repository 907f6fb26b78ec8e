"""Hold the values of settings that no type of Python's own can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Secret(Generic[T]):
    """Hold a value that never shows in a `repr`, a log line or an error report; `reveal()` gives it."""

    _value: T

    def reveal(self) -> T:
        """Return the value itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """Where the X-Ray daemon takes segments (UDP) and answers sampling calls (TCP)."""

    udp: tuple[str, int]
    tcp: tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRule:
    """An X-Ray sampling rule, as `aws xray create-sampling-rule` takes it.

    `reservoir_size` is requests per second kept before `fixed_rate` (0 to 1) applies to the rest.
    """

    name: str
    fixed_rate: float
    reservoir_size: int
    service_name: str = "*"
    host: str = "*"
    http_method: str = "*"
    url_path: str = "*"
