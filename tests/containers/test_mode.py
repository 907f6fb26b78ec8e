"""The engine of these tests is one that `make up` runs containers in."""

from __future__ import annotations

import os

import pytest

from local.deploy import mode
from local.deploy.docker_engine import Engine
from tests.containers.base_images import BaseImages
from tests.containers.engine import docker


@pytest.mark.usefixtures("socket_enabled")
def test_the_engine_is_found_and_no_network_of_the_check_is_left(base_images: BaseImages) -> None:  # noqa: ARG001 - an engine responds
    engine = mode.choose(os.environ)

    assert isinstance(engine, Engine)
    assert engine.socket.is_socket()
    assert docker("network", "ls", "--quiet", "--filter", "name=onetrace-probe-").stdout == ""
