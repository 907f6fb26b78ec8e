"""Extract progress and build errors from the log of the CDK command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

EVENT: Final = re.compile(
    # A CloudFormation event: 23/51 | time | CREATE_COMPLETE | AWS::ECS::Cluster | path
    r"\|\s*(?P<progress>\d+/\d+|\d+)\s*\|.*?\|\s*(?P<status>[A-Z_]+)\s*\|\s*(?P<type>AWS::\S+)"
    # A step of the image build: "#7 [build 3/5] RUN ..." (BuildKit) or "Step 3/5 : RUN ..." (the legacy builder).
    r"|^(?:#\d+ )?(?P<step>(?:\[[^\]]+\]|Step \d+/\d+ :) .+)",
    re.MULTILINE,
)
BUILD_FAILURE: Final = re.compile(
    r"(?:^------\n(?P<output>.*?)^------\n.*?)?^(?P<error>ERROR: failed to solve.*?)$", re.MULTILINE | re.DOTALL
)
"""BuildKit's summary: between two rules the last output of the failed step, if it had any, then the error."""
BUILD_LINES: Final = 12


def progress(log: Path) -> str:
    """Return the newest event or build step in the log, empty before the first."""
    events = EVENT.findall(log.read_text(encoding="utf-8", errors="replace"))
    return " ".join(filter(None, events[-1])) if events else ""


def build_failure(log: Path) -> list[str]:
    """Return the last lines of the failed image build, empty if no build failed."""
    match = BUILD_FAILURE.search(log.read_text(encoding="utf-8", errors="replace"))
    if match is None:
        return []
    return [*(match["output"] or "").splitlines()[-BUILD_LINES:], match["error"]]
