from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from local.fakes.server import LocalServer
from tests.fakes import honeycomb_api
from tests.fakes.api_client import COLUMNS, KEY, ApiClient


@pytest.fixture
def api() -> Iterator[ApiClient]:
    """Serve the configuration API of an environment with two datasets: `free` accepts any column."""
    environment = honeycomb_api.Environment(datasets={"backend": COLUMNS, "free": None}, key=KEY)
    with closing(LocalServer(honeycomb_api.create_app(environment))) as server:
        yield ApiClient(environment, server.url)
