"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest

import flask_onetrace.telemetry.sampling.lean_import  # noqa: F401 - the SDK opens a UDP socket at import: before sockets are disabled
from flask_onetrace.credentials import credentials_of

OF_MAKE = (
    *("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "APP", "CMD", "FLASK_APP", "VERSION", "TO", "REPOSITORY", "CDK_CONTEXT"),
    *("FILTER", "TRACE", "ID", "FILE", "EXPORT", "LIMIT"),
)
"""What `make test` gives its commands, the `make` of a test among them."""


def pytest_configure() -> None:
    """Receive Ctrl-C, as the commands under test do: a shell starts what runs in the background with it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:  # noqa: ANN401 - xdist's own types
    """Distribute whole modules over the processes of `make test`."""
    from tests import distribution  # noqa: PLC0415 - it needs xdist, which is not loaded where one process runs all

    return distribution.ByModule(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the folders that one process runs, where there are several."""
    if hasattr(config, "workerinput"):
        from tests import distribution  # noqa: PLC0415 - as above

        items.sort(key=lambda item: distribution.rank(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Escape lone surrogates in what a test printed and logged: execnet, which sends the reports, takes none."""
    return _escaped((yield))


def _escaped(value: Any) -> Any:  # noqa: ANN401 - a part of a report
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escaped(key): _escaped(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_escaped, value))
    return value


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
