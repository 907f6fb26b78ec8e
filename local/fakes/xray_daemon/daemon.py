"""Stand in for the X-Ray daemon: segments by UDP in, the sampling proxy by TCP on the same port number.

What goes out is signed, to the X-Ray that `endpoint` names. Source: AWS X-Ray developer guide, "AWS X-Ray daemon".
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from flask import Flask, Response, jsonify, request

from local.fakes.server import Served
from local.fakes.xray_daemon.segment_relay import SegmentRelay, Tally
from local.fakes.xray_daemon.signing import SignedRelay

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5
ATTEMPTS: Final = 4
"""Of one batch, with botocore's exponential back-off between them, before it counts as rejected."""


def create_app(relay: SignedRelay, tally: Tally) -> Flask:
    """Build the TCP side: the two sampling calls, and GET /daemon with the counts."""
    app = Flask("xray-daemon-stand-in")

    @app.post("/GetSamplingRules")
    @app.post("/SamplingTargets")
    def sampling() -> Response:
        try:
            status, body = relay.post(request.path, request.get_data(cache=False))
        except BotoCoreError as error:
            return Response(f"X-Ray does not answer: {type(error).__name__}", status=502)
        return Response(body, status=status, content_type="application/json")

    @app.get("/daemon")
    def counts() -> Response:
        return jsonify(tally.as_dict())

    return app


class XRayDaemon:
    """Both sides, listening from the moment this is made. Raises `OSError` when the UDP or the TCP port is taken."""

    def __init__(self, *, port: int, endpoint: str, region: str, credentials: Credentials) -> None:
        client = boto3.client(
            "xray",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            ),
        )
        session = URLLib3Session(timeout=READ_SECONDS, proxies={})
        relay = SignedRelay(endpoint=endpoint, region=region, credentials=credentials, session=session)
        with ExitStack() as undo:
            self._segments = SegmentRelay(client, port)
            undo.callback(self._segments.close)
            self._served = Served(create_app(relay, self._segments.tally), self._segments.port)
            undo.pop_all()

    @property
    def url(self) -> str:
        """Return the TCP side's address."""
        return self._served.url

    def close(self) -> None:
        """Stop both sides; what is queued is put first, within a few seconds."""
        self._segments.close()
        self._served.close()
