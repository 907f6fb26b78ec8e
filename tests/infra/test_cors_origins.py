"""The origins of an environment become FRONTEND_URL and BACKEND_URL, which the service accepts."""

import re
from dataclasses import replace
from typing import Any

import pytest

from flask_onetrace.settings import Settings
from infra.context import Deployment
from infra.cors_origins import CorsOrigins
from infra.environments import DEV, ENVIRONMENTS
from infra.service_environment import service_variables
from tests.sample import CRUDDUR

ACCEPTED = ("https://app.example.com", "http://localhost:3000", "https://app.example.com:8443", "http://a-1.example.io")


def settings_of(cors: CorsOrigins | None) -> Settings:
    environment = replace(DEV, ingress=replace(DEV.ingress, cors=cors))
    deployment = Deployment(application=CRUDDUR, environment=environment, version="1.0.0", image=None)
    return Settings.from_env(service_variables(deployment, region="eu-west-1"))


def test_the_service_gets_the_origins_of_its_environment() -> None:
    settings = settings_of(CorsOrigins(frontend=ACCEPTED, backend=("https://api.example.com",)))
    assert settings.frontend_origins == frozenset(ACCEPTED)
    assert settings.backend_origins == {"https://api.example.com"}


def test_without_origins_the_service_allows_its_own_alone() -> None:
    for cors in (None, CorsOrigins()):
        settings = settings_of(cors)
        assert (settings.frontend_origins, settings.backend_origins) == (frozenset(), frozenset())
    assert {each.ingress.cors for each in ENVIRONMENTS.values()} == {None}


@pytest.mark.parametrize("field", ["frontend", "backend"])
@pytest.mark.parametrize(
    "origin",
    [
        "",
        "*",
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://*.example.com",
        "https://app.example.com.",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://app.example.com:65536",
        "https://10.0.0.1",
        "https://app.example.com,https://evil.example.com",
        "null",
        "ftp://app.example.com",
        "https://app.example.com\n",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused_with_field_value_and_remedy(field: str, origin: str) -> None:
    values: dict[str, Any] = {field: (origin,)}
    message = f"{field} origin {origin!r} is malformed: write a tuple of origins"
    with pytest.raises(ValueError, match=re.escape(message)):
        CorsOrigins(**values)


def test_a_text_in_place_of_a_tuple_is_refused() -> None:
    with pytest.raises(ValueError, match=r"frontend origin 'https://app\.example\.com' .* write a tuple"):
        CorsOrigins(frontend="https://app.example.com")


def test_a_password_in_an_origin_is_not_shown() -> None:
    with pytest.raises(ValueError, match=r"\(not shown\)") as error:
        CorsOrigins(frontend=("https://worf:sentinel@app.example.com",))
    assert "sentinel" not in str(error.value)
