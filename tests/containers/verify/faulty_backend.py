"""Stand between a task and the fake of Honeycomb or Rollbar, and fail as the vendor does."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from threading import Event
from types import TracebackType
from typing import Final, Self

import requests
from flask import Flask, Response, request

from local.fakes.server import LocalServer

SECONDS: Final = 10
PASSED: Final = (
    "content-type",
    "content-encoding",
    "x-honeycomb-team",
    "x-honeycomb-dataset",
    "x-rollbar-access-token",
)


class Fault(StrEnum):
    """What becomes of a request that sends telemetry."""

    NONE = "none"
    UNAUTHORIZED = "unauthorized"
    HANGS = "hangs"
    ANOTHER_ENVIRONMENT = "another environment"
    """It is accepted, and stored where nobody looks for it."""
    REFUSED = "refused"
    """Each item is: as one of a format that the vendor does not take."""


class FaultyBackend:
    """A server on a port of its own, which passes requests on to `url` unless it has a fault."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._healed = Event()
        self.fault = Fault.NONE
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = LocalServer(self._app())
        self.port = self._server.port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()
        with closing(self._server), closing(self._session):
            pass

    def break_by(self, fault: Fault) -> None:
        self._healed.clear()
        self.fault = fault

    def heal(self) -> None:
        self.fault = Fault.NONE
        self._healed.set()

    def _app(self) -> Flask:
        app = Flask("faulty-backend")
        app.add_url_rule("/<path:path>", view_func=self._handle, methods=["POST"])
        return app

    def _handle(self, path: str) -> Response:
        match self.fault:
            case Fault.UNAUTHORIZED:
                return Response(
                    '{"error":"unknown API key - check your credentials"}', 401, content_type="application/json"
                )
            case Fault.REFUSED:
                return Response('{"error":"request body is too large"}', 400, content_type="application/json")
            case Fault.ANOTHER_ENVIRONMENT:
                return Response("{}", 200, content_type="application/json")
            case Fault.HANGS:
                self._healed.wait(60)
        headers = {name: value for name, value in request.headers.items() if name.lower() in PASSED}
        reply = self._session.post(
            f"{self._url}/{path}", request.get_data(cache=False), headers=headers, timeout=SECONDS
        )
        return Response(reply.content, reply.status_code, content_type=reply.headers.get("content-type"))
