"""Read what the service's telemetry says about its sinks, in its log group and in the containers' output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_PATTERNS: Final = {
    "unauthorized": re.compile(r"(?P<sink>\S+) rejected our credentials; [^:]*: (?P<reason>.*)", re.DOTALL),
    "dropped": re.compile(
        r"(?P<sink>\S+): (?P<count>\d+) telemetry items dropped, \d+ since start: (?P<reason>.*)", re.DOTALL
    ),
    "unreachable": re.compile(
        r"(?P<sink>\S+) has accepted nothing for (?P<count>\d+) s, retrying: (?P<reason>.*)", re.DOTALL
    ),
    "recovered": re.compile(r"(?P<sink>\S+) (?P<reason>responds again|accepted our credentials)", re.DOTALL),
    "sampling": re.compile(r"cannot fetch X-Ray sampling rules from (?P<reason>.*): using the local rule", re.DOTALL),
}
UNAUTHORIZED: Final = "unauthorized"
UNREACHABLE: Final = "unreachable"
DROPPED: Final = "dropped"
SAMPLING: Final = "sampling"
RECOVERED: Final = "recovered"
FILTER_PATTERN: Final = " ".join(
    f'?"{text}"'
    for text in (
        "rejected our credentials",
        "accepted our credentials",
        "telemetry items dropped",
        "has accepted nothing",
        "responds again",
        "cannot fetch X-Ray sampling rules",
    )
)
"""The filter pattern of these lines ("Filter pattern syntax", CloudWatch Logs User Guide)."""
SAMPLING_SINK: Final = "xray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the telemetry of the service says about one of its sinks, in a line of a log group.

    `kind` is `unauthorized`, `unreachable`, `dropped`, `recovered` or `sampling`; `at` is in seconds since the epoch.
    """

    sink: str
    kind: str
    reason: str
    at: float
    count: int = 0


def reports(events: Iterable[tuple[float, str]]) -> Iterator[Report]:
    """Yield the reports in log events, which are pairs of seconds since the epoch and text, in their order."""
    for at, text in events:
        message = _message(text)
        for kind, pattern in _PATTERNS.items():
            if match := pattern.match(message):
                fields = match.groupdict()
                yield Report(
                    sink=fields.get("sink") or SAMPLING_SINK,
                    kind=kind,
                    reason=fields["reason"].strip(),
                    at=at,
                    count=int(fields.get("count") or 0),
                )
                break


def _message(text: str) -> str:
    """Return the message of a line's JSON object, else the text."""
    try:
        document: Any = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        document = None
    message = document.get("message") if isinstance(document, dict) else None
    return message if isinstance(message, str) else text
