from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.local.deploy.fake_docker import FakeDocker


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[FakeDocker]:
    """Return a fake of a suitable engine, whose socket accepts connections."""
    path = tmp_path / "docker.sock"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(path))
        listener.listen()
        yield FakeDocker(tmp_path, path)
