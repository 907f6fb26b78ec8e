from __future__ import annotations

from collections import Counter

from flask import Flask, Response

from local.fakes.server import LocalServer
from tests.telemetry.authentication.tokens import SigningKey


class KeyEndpoint:
    """Serve public keys as AWS does; `requests` counts by key id."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.requests: Counter[str] = Counter()
        app = Flask("fake-public-keys")
        app.get("/keys/<name>")(self.serve)
        self.server = LocalServer(app)

    def serve(self, name: str) -> Response:
        self.requests[name] += 1
        if name in self.redirects:
            return Response(status=302, headers={"Location": self.redirects[name]})
        pem = self.keys.get(name)
        return Response(pem, 200) if pem is not None else Response("<Code>AccessDenied</Code>", 403)

    def add(self, key: SigningKey) -> SigningKey:
        self.keys[key.key_id] = key.pem
        return key

    @property
    def url(self) -> str:
        return f"{self.server.url}/keys"
