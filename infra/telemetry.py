"""Describe what is sampled of an environment's telemetry, and where its pages are."""

import re
from dataclasses import dataclass
from typing import Final

_URL: Final = re.compile(r"https://[^\s()]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Rates that replace those of `aws/json/xray.json`.

    `reservoir_size` is requests per second sampled before `fixed_rate` (0 to 1) applies to the rest. Raises
    `ValueError` for a rate that X-Ray does not take.
    """

    fixed_rate: float
    reservoir_size: int

    def __post_init__(self) -> None:
        if not 0 <= self.fixed_rate <= 1:
            raise ValueError(f"fixed_rate {self.fixed_rate!r} is out of range: use 0 to 1")
        if self.reservoir_size < 0:
            raise ValueError(f"reservoir_size {self.reservoir_size!r} is out of range: use 0 or more requests a second")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """The choices of an environment's telemetry. Raises `ValueError` for a malformed value."""

    sampling: Sampling | None = None
    """None takes the rates of `aws/json/xray.json`."""
    browser_relay: bool
    """Whether the service relays the spans of pages to Honeycomb: anybody can send some, on the team's quota."""
    xray_url: str | None = None
    """Name segments after the host where it matches this pattern, for example `*4567-workspace.example.com*`."""
    honeycomb_board: str | None = None
    rollbar_items: str | None = None
    """URLs that the dashboard links: the team's own board, which `make honeycomb` prints, and Rollbar project."""

    def __post_init__(self) -> None:
        for field in ("honeycomb_board", "rollbar_items"):
            url = getattr(self, field)
            if url is not None and not _URL.fullmatch(url):
                raise ValueError(f"{field} {url!r} is malformed: write an address that begins with https://")
