from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from service.telemetry.export import http
from service.telemetry.export.http import HttpClient
from tests.telemetry.export.http_server import Post, Serve, served


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(served(server))


@pytest.fixture
def post() -> Iterator[Post]:
    """Post, and close the posters' connections at the end, which lets the servers' threads go."""
    posters: set[HttpClient] = set()

    def ask(client: HttpClient, body: bytes) -> http.Response:
        posters.add(client)
        return client.post(body)

    yield ask
    for client in posters:
        assert client._route is not None
        client._route.connection.close()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that the environment trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    http._tls_context.cache_clear()
    yield made
    http._tls_context.cache_clear()
