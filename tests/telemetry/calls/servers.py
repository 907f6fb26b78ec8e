"""Run PostgreSQL and Redis for the session's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.testbed.databases import HOST, running_postgres, running_redis

__all__ = ["HOST", "postgres", "redis_server"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    """The port of a PostgreSQL whose user `app` needs no password, with an empty database `shop`."""
    with running_postgres() as port:
        yield port


@pytest.fixture(scope="session")
def redis_server() -> Iterator[int]:
    """The port of a Redis that keeps nothing."""
    with running_redis() as port:
        yield port
