"""Fixtures that all tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_onetrace.telemetry.sampling.lean_import  # noqa: F401 - the SDK opens a UDP socket at import: before sockets are disabled
from flask_onetrace.credentials import credentials_of

TESTS = Path(__file__).parent
ONE_PROCESS = ("acceptance", "infra", "package", "telemetry/calls")
"""Folders whose tests share what takes long to start or to make: with several processes, each runs in one of them."""
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "APP", "CMD", "FLASK_APP", "VERSION", "TO", "REPOSITORY", "CDK_CONTEXT")
"""What `make test` gives its commands, the `make` of a test among them."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each folder of `ONE_PROCESS`, and each module, in one process; begin with those folders, the longest first.

    The rest stays in the random order of its seed.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
    items.sort(key=lambda item: _rank(_group(item.path)))


def _group(path: Path) -> str:
    module = path.relative_to(TESTS).as_posix()
    return next((folder for folder in ONE_PROCESS if module.startswith(f"{folder}/")), module)


def _rank(group: str) -> int:
    return ONE_PROCESS.index(group) if group in ONE_PROCESS else len(ONE_PROCESS)


@pytest.fixture(autouse=True)
def _no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's AWS, OpenTelemetry, vendor and proxy variables, its credentials and make's own variables."""
    for name in OF_MAKE:
        monkeypatch.delenv(name, raising=False)
    for name in credentials_of(os.environ):
        monkeypatch.delenv(name)
    for name in list(os.environ):
        if name.startswith(("AWS_", "OTEL_", "HONEYCOMB_", "ROLLBAR_", "LOCAL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _close_xray_sdk_socket() -> Iterator[None]:
    """Close the UDP socket that the X-Ray SDK opens at import, unless an app has replaced its emitter."""
    yield
    sdk = sys.modules.get("aws_xray_sdk.core")
    udp_socket = getattr(sdk.xray_recorder.emitter, "_socket", None) if sdk is not None else None
    if udp_socket is not None:
        udp_socket.close()
