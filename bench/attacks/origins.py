"""Pretend to be an allowed origin: patterns in `FRONTEND_URL` could match more than they seem to."""

from __future__ import annotations

from collections.abc import Iterator

from bench.attacks import raw_http
from bench.attacks.lab import Lab, StartError
from bench.attacks.promise import Promise, Row, listed
from bench.paths import HOME

_EVIL = "https://xexample.com.evil.net"
_PATTERNS = ("https://*.example.com", "https://.*example.com", "https://x*example.com", "https://xexample.com")
ECHO = Promise(
    f"`Origin: {_EVIL}` while `FRONTEND_URL` is {', '.join(f'`{each}`' for each in _PATTERNS)}",
    "the origin is not echoed, or the setting is refused",
)
PROMISES = (ECHO,)


def run(lab: Lab) -> Iterator[Row]:
    """Start the service with each pattern."""
    outcomes = {pattern: _outcome(lab, pattern) for pattern in _PATTERNS[:: 2 if lab.short else 1]}
    echoed = [pattern for pattern, outcome in outcomes.items() if outcome == "echoed"]
    refused = sum(outcome == "refused" for outcome in outcomes.values())
    text = f"echoed with {listed([f'`{each}`' for each in echoed])}" if echoed else "never echoed"
    yield ECHO.row(f"{text}; {refused} of {len(outcomes)} settings refused", holds=not echoed)


def _outcome(lab: Lab, pattern: str) -> str:
    try:
        with lab.target({"FRONTEND_URL": pattern}, keeps_bodies=False) as target:
            response = raw_http.get(target.port, HOME, {"Origin": _EVIL})
    except StartError:
        return "refused"
    return "echoed" if response.headers.get("access-control-allow-origin") in {_EVIL, "*"} else "not echoed"
