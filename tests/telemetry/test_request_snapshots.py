"""Compare everything that one request exports to all four back ends with a stored document.

The clock is frozen and the ids count up. To accept an intended change:
`UPDATE_EXPECTED=1 make test TESTS=tests/telemetry/test_request_snapshots.py`, then review the diff.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask

from flask_onetrace.telemetry import ids, middleware
from tests.telemetry.backends import FakeBackends, eventually

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TRACE_ID = "67f1a2b3000000000000000000000001"
EXPECTED = Path(__file__).parent / "expected"
REQUEST = {
    "X-Amzn-Trace-Id": f"Root=1-{TRACE_ID[:8]}-{TRACE_ID[8:]}",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "User-Agent": "test/1.0",
    "Host": "cruddur.example",
}

CASES = {
    "home": "/api/activities/home",
    "notifications": "/api/activities/notifications",
    "unmatched": "/nope?q=1",
    "fault": "/api/fault",
}


class CountingRandom:
    """Return ids that count up."""

    def __init__(self) -> None:
        self._last = 0

    def getrandbits(self, _: int) -> int:
        self._last += 1
        return self._last


@pytest.mark.parametrize("case", CASES)
def test_a_request_exports_exactly_the_expected_documents(
    case: str, app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ids, "private_random", CountingRandom())
    monkeypatch.setattr(middleware, "perf_counter", lambda: 1.0)
    with time_machine.travel(MOMENT, tick=False):
        with app.test_client().get(CASES[case], headers=REQUEST, buffered=True) as response:
            status = response.status_code
        # Request signing and cookies read the clock too: deliver everything before it is released.
        assert app.extensions["onetrace"].flush(10)
    documents = {
        "status": status,
        "honeycomb": backends.spans(TRACE_ID),
        "xray": eventually(lambda: backends.segments_of(TRACE_ID), 1),
        "cloudwatch": [_without_traceback(line) for line in backends.lines_of(TRACE_ID)],
        "rollbar": [_without_machine(item) for item in backends.items(TRACE_ID)],
    }
    assert _portable(documents) == _expected(case, documents)


def _expected(case: str, documents: dict[str, Any]) -> Any:  # noqa: ANN401 - what a JSON file holds
    path = EXPECTED / f"{case}.json"
    if os.environ.get("UPDATE_EXPECTED"):
        path.write_text(json.dumps(_portable(documents), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def _portable(documents: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Mask what depends on the machine or on a dependency's version: uuids, hosts, frames outside the service."""

    def clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, list):
            return [clean(each) for each in value if not _is_foreign_frame(each)]
        if isinstance(value, dict):
            return {key: MASKS.get(key, clean(each)) for key, each in value.items()}
        return value.replace(str(Path.cwd()), "<root>") if isinstance(value, str) else value

    return clean(documents)


MASKS = {
    "telemetry.sdk.version": "<version>",
    "sdk_version": "<version>",
    "runtime": "<python>",
    "runtime_version": "<python>",
    "uuid": "<uuid>",
    "rollbar.uuid": "<uuid>",
    "rollbar_uuid": "<uuid>",
    "rollbar.url": "<link>",
    "rollbar_url": "<link>",
    "container": "<host>",
    "exception.stacktrace": "<stack>",
    "language": "<python>",
}


def _is_foreign_frame(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    path = value.get("filename") or value.get("path")
    return isinstance(path, str) and "site-packages" in path


def _without_traceback(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, "exception": line["exception"].splitlines()[-1]} if "exception" in line else line


def _without_machine(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in ("server", "notifier")}
