"""Fixtures that all tests share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own AWS, OpenTelemetry and proxy variables out of every test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "OTEL_", "HONEYCOMB_", "ROLLBAR_", "LOCAL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
