"""One deployment of the sample application, as a process, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_environment import LocalEnvironment


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEnvironment]:
    environment = LocalEnvironment(tmp_path_factory.mktemp("verify").resolve(), mode="process")
    try:
        environment.up()
        yield environment
    finally:
        environment.down()
