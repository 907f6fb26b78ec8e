"""The server takes headers as long as those of a load balancer that authenticates users."""

import pytest

from tests.telemetry.authentication.tokens import SIGNER
from tests.telemetry.gunicorn_server import serve


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize(("variables", "status"), [(SIGNER, 200), ({}, 431)], ids=["authenticates", "does not"])
def test_a_header_of_15000_bytes_is_taken_where_the_load_balancer_authenticates(
    variables: dict[str, str], status: int
) -> None:
    with serve({"LOG_CONSOLE": "false", **variables}) as server:
        response = server.get("/api/health-check", Cookie=f"AWSELBAuthSessionCookie-0={'x' * 15_000}")
        assert response.status_code == status
