from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from aws_cdk import App, Stack

from infra.environments import ENVIRONMENTS
from tests.infra.assembly import PLAIN_IMAGE, Assembly, StackTemplate, synthesize

UNKNOWN_ENVIRONMENT = "-".join(ENVIRONMENTS)
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """Synthesize an environment, once per set of context values."""

    @cache
    def once(environment: str, **context: str) -> Assembly:
        return synthesize(tmp_path_factory.mktemp(f"cdk-{environment}"), environment, **context)

    return once


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def assembly(request: pytest.FixtureRequest, synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized(request.param, image=PLAIN_IMAGE)


@pytest.fixture(scope="session")
def dev(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("dev", image=PLAIN_IMAGE)


@pytest.fixture(scope="session")
def prod(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("prod", image=PLAIN_IMAGE)


@pytest.fixture(scope="session")
def https(synthesized: Callable[..., Assembly]) -> StackTemplate:
    """The service stack of production with a certificate."""
    return synthesized("prod", image=PLAIN_IMAGE, certificate_arn=CERTIFICATE).service


@pytest.fixture
def stack() -> Stack:
    """An empty stack for a single construct."""
    return Stack(App(analytics_reporting=False), "Test")


@pytest.fixture(scope="session")
def with_asset(synthesized: Callable[..., Assembly]) -> Assembly:
    """Production with the image as an asset, built from `service/Dockerfile` by `cdk deploy`."""
    return synthesized("prod")
