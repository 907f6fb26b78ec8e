from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_onetrace import worker_message
from tests.telemetry.backends import FakeBackends
from tests.telemetry.runtime.apps import Load, forgetting, loading


@pytest.fixture(autouse=True)
def _first_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be the worker that prints why the application cannot be loaded, whichever test was it before."""
    monkeypatch.setattr(worker_message, "load_error", worker_message.WorkerMessage())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of the test, whose modules are forgotten at its end."""
    monkeypatch.chdir(tmp_path)
    with forgetting(tmp_path):
        yield tmp_path


@pytest.fixture
def load(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Load]:  # noqa: ARG001 - the working directory
    for name, value in backends.aws.items():
        monkeypatch.setenv(name, value)
    with loading(backends.environment) as load:
        yield load
