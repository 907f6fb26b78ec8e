from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from flask_onetrace.telemetry.export import http
from flask_onetrace.telemetry.export.http import HttpClient
from tests.telemetry.export.http_server import Post, Serve, run


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(run(server))


@pytest.fixture
def post() -> Iterator[Post]:
    """Post with a client; close all clients' connections at the end, so that the servers' threads end."""
    clients: set[HttpClient] = set()

    def send(client: HttpClient, body: bytes) -> http.Response:
        clients.add(client)
        return client.post(body)

    yield send
    for client in clients:
        assert client._route is not None
        client._route.connection.close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that the environment trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    http._tls_context.cache_clear()
    yield authority
    http._tls_context.cache_clear()
