"""Let nobody read the service's standard error: its pipe is full after a few hundred lines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from bench.attacks import raw_http
from bench.attacks.lab import Lab
from bench.attacks.promise import Promise, Row
from bench.paths import HOME

_REQUESTS = 2_000
BLOCKED = Promise(
    "a standard error that nobody reads, with `LOG_CONSOLE=true`", f"{_REQUESTS:,} requests in a row are answered"
)
PROMISES = (BLOCKED,)


def run(lab: Lab) -> Iterator[Row]:
    """Send requests until one stays unanswered."""
    with lab.target({"LOG_CONSOLE": "true"}, keeps_bodies=False, stderr=subprocess.PIPE) as target:
        answered = 0
        while answered < _REQUESTS and raw_http.get(target.port, HOME, timeout=3.0).status == 200:
            answered += 1
    yield BLOCKED.row(f"{answered:,} answered", holds=answered == _REQUESTS)
