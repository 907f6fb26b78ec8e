"""Sign requests to X-Ray, as the daemon's TCP proxy does for the sampling calls."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningClient:
    """An HTTP client that signs requests to the X-Ray at `endpoint`."""

    endpoint: str
    region: str
    credentials: Credentials
    session: URLLib3Session

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of a signed POST. Raises `BotoCoreError` when X-Ray cannot be reached."""
        request = AWSRequest("POST", self.endpoint.rstrip("/") + path, data=body)
        request.headers["Content-Type"] = "application/json"
        SigV4Auth(self.credentials, "xray", self.region).add_auth(request)
        response = self.session.send(request.prepare())
        return response.status_code, response.content
