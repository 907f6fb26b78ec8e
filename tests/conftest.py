"""Fixtures that all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

import service.telemetry.sampling.lean_import  # noqa: F401 - the SDK opens a UDP socket at import: before sockets are disabled


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own AWS, OpenTelemetry and proxy variables out of every test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "OTEL_", "HONEYCOMB_", "ROLLBAR_", "LOCAL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _the_sdks_own_socket_is_closed() -> Iterator[None]:
    """Close what the X-Ray SDK opens at import, where no app's telemetry has taken its place by the end."""
    yield
    sdk = sys.modules.get("aws_xray_sdk.core")
    opened = getattr(sdk.xray_recorder.emitter, "_socket", None) if sdk is not None else None
    if opened is not None:
        opened.close()
