from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.telemetry.backends import FakeBackends
from tests.telemetry.runtime.apps import Load, loading


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(backends: FakeBackends, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Load]:  # noqa: ARG001 - the working directory
    for name, value in backends.aws.items():
        monkeypatch.setenv(name, value)
    with loading(backends.environment) as load:
        yield load
