"""A fake of the X-Ray daemon: segments by UDP, the sampling proxy by TCP on the same port number.

Requests to X-Ray are signed. Source: AWS X-Ray developer guide, "AWS X-Ray daemon".
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from flask import Flask, Response, jsonify, request

from local.fakes.server import LocalServer
from local.fakes.xray_daemon.receiver import listen
from local.fakes.xray_daemon.segment_relay import RelayCounts, SegmentRelay
from local.fakes.xray_daemon.signing import SigningClient

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5
ATTEMPTS: Final = 4
"""Attempts per batch, with botocore's exponential backoff, before its documents count as rejected."""


def create_app(client: SigningClient, counts: RelayCounts) -> Flask:
    """Build the TCP side: the two sampling calls, and GET /daemon for the relay's counts."""
    app = Flask("fake-xray-daemon")

    @app.post("/GetSamplingRules")
    @app.post("/SamplingTargets")
    def sampling() -> Response:
        try:
            status, body = client.post(request.path, request.get_data(cache=False))
        except BotoCoreError as error:
            return Response(f"X-Ray does not answer: {type(error).__name__}", status=502)
        return Response(body, status=status, content_type="application/json")

    @app.get("/daemon")
    def status() -> Response:
        return jsonify(counts.as_dict())

    return app


class XRayDaemon:
    """Both sides, listening from construction on. Raises `OSError` when the UDP or TCP port is in use.

    `session` has the region and the credentials, which are renewed where they expire; `receiver` is a UDP socket that
    listens on the port already. Raises `NoCredentialsError`.
    """

    def __init__(
        self, *, port: int, endpoint: str, session: boto3.Session, receiver: socket.socket | None = None
    ) -> None:
        credentials = session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        xray = session.client(
            "xray",
            endpoint_url=endpoint,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            ),
        )
        signing_client = SigningClient(
            endpoint=endpoint,
            region=session.region_name,
            credentials=credentials,
            session=URLLib3Session(timeout=READ_SECONDS, proxies={}),
        )
        with ExitStack() as stack:
            self._segments = SegmentRelay(xray, receiver or listen(port))
            stack.callback(self._segments.close)
            self._server = LocalServer(create_app(signing_client, self._segments.counts), self._segments.port)
            stack.pop_all()

    @property
    def url(self) -> str:
        """Return the URL of the TCP side."""
        return self._server.url

    def close(self) -> None:
        """Send the queued segments and stop both sides, within a few seconds."""
        self._segments.close()
        self._server.close()
