"""`make up` names the libraries whose calls are not traced, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask

from local.fakes.server import LocalServer
from local.service.instrumentations import untraced_libraries
from local.workspace.ports import free_port

STATES = {
    "flask": "unused: the service's middleware makes the server spans",
    "redis": "off: needs redis >=2.6, found 1.0",
    "requests": "on",
    "urllib3": "on when imported",
}


@pytest.fixture
def port(socket_enabled: None) -> Iterator[int]:  # noqa: ARG001 - the fake service listens on 127.0.0.1
    app = Flask("service")
    app.get("/_onetrace/health")(lambda: {"status": "ok", "instrumentations": STATES})
    with closing(LocalServer(app)) as served:
        yield int(served.url.rpartition(":")[2])


def test_only_what_is_off_is_named(port: int) -> None:
    assert untraced_libraries(port) == ["calls of redis are not traced: off: needs redis >=2.6, found 1.0"]


@pytest.mark.usefixtures("socket_enabled")
def test_a_service_that_does_not_respond_is_left_to_the_smoke_test() -> None:
    assert untraced_libraries(free_port()) == []
