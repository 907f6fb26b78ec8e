from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.testbed.application import NAMES
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import EXTENSION
from flask_onetrace.telemetry.context.trace_scope import current_scope
from service.factory import create_app
from tests.telemetry.authentication.key_endpoint import KeyEndpoint
from tests.telemetry.authentication.tokens import SIGNER, SigningKey

DATA = "X-Amzn-Oidc-Data"


class Service:
    """An app whose route `/api/whoami` returns the user that telemetry knows."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.app = create_app(Settings.from_env({**NAMES, "LOG_CONSOLE": "false", **environment}))
        self.app.get("/api/whoami")(self._whoami)
        self.telemetry = self.app.extensions[EXTENSION]

    def _whoami(self) -> dict[str, str | None]:
        scope = current_scope()
        assert scope is not None
        return {"user": scope.user_id}

    def user(self, token: str | None, **headers: str) -> str | None:
        """Return the user of a request with this token. It must succeed."""
        all_headers = {**headers, **({DATA: token} if token is not None else {})}
        response = self.app.test_client().get("/api/whoami", headers=all_headers)
        assert response.status_code == 200
        user: str | None = response.json["user"] if response.json is not None else "no JSON"
        return user

    def user_of_raw(self, value: str) -> str | None:
        """Return the user that a WSGI server's own environment names, whatever `value` holds."""
        response = self.app.test_client().get("/api/whoami", environ_overrides={"HTTP_X_AMZN_OIDC_DATA": value})
        assert response.status_code == 200
        user: str | None = response.json["user"] if response.json is not None else "no JSON"
        return user

    @property
    def claims(self) -> Any:  # noqa: ANN401 - JSON
        """The counts in the health check's detail."""
        health = self.app.test_client().get("/api/health-check?detail").json
        return (health or {}).get("claims")


ServiceFactory = Callable[[dict[str, str]], Service]


@pytest.fixture
def make_service() -> Iterator[ServiceFactory]:
    """Create services from environment variables; all are shut down at the end."""
    services: list[Service] = []

    def make(environment: dict[str, str]) -> Service:
        services.append(Service(environment))
        return services[-1]

    yield make
    for service in services:
        service.telemetry.shutdown()


@pytest.fixture
def service(endpoint: KeyEndpoint, make_service: ServiceFactory) -> Service:
    """A service behind the load balancer whose keys `endpoint` serves."""
    return make_service({**SIGNER, "ALB_PUBLIC_KEYS_URL": endpoint.url})


@pytest.fixture
def key(endpoint: KeyEndpoint) -> SigningKey:
    """The load balancer's key."""
    return endpoint.add(SigningKey())
