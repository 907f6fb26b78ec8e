"""A service that the app under test calls, under several names."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask, request

from local.fakes.server import LocalServer
from local.request_guard.decision import Policy

ANY_NAME = r"[a-z0-9.]+"
NAMES = ("orders.internal", "deep.svc.internal", "svc.internal", "evil.example", "orders.internal.evil.example")


class Upstream:
    """A service with every name of `NAMES`, which records which name got which baggage; `/to?<url>` redirects."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str | None]] = []
        self.app = Flask("upstream")
        self.app.get("/")(self._record)
        self.app.get("/to")(self._redirect)

    def _record(self) -> str:
        self.received.append((request.host.partition(":")[0], request.headers.get("baggage")))
        return "ok"

    def _redirect(self) -> tuple[str, int, dict[str, str]]:
        self._record()
        return "", 302, {"Location": request.query_string.decode()}


@pytest.fixture
def upstream(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Upstream, str]]:  # noqa: ARG001 - it listens on 127.0.0.1
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the signature of `resolve`
        name = (host.decode() if isinstance(host, bytes) else str(host)).lower().removesuffix(".")
        return resolve("127.0.0.1" if name in NAMES else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    service = Upstream()
    with closing(LocalServer(service.app, policy=Policy(ANY_NAME))) as served:
        yield service, served.url.rpartition(":")[2]
