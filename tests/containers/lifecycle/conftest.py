"""One deployment for all tests of this folder, and requests to it during each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.containers.base_images import BaseImages
from tests.containers.conftest import Report
from tests.containers.deployment import Deployment
from tests.containers.lifecycle.load import Load

TEARDOWN: Final = Path(__file__).with_name("test_teardown.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tear the deployment down after all other tests, in the order of the file."""

    def rank(item: pytest.Item) -> int:
        return item.location[1] or 0 if item.path == TEARDOWN else -1

    items.sort(key=rank)


@pytest.fixture(scope="session")
def first_deployment(
    base_images: BaseImages,  # noqa: ARG001 - an engine responds
    report: Report,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    """The deployment, as `make up` leaves it."""
    deployment = Deployment(tmp_path_factory.mktemp("lifecycle").resolve())
    deployment.make()
    start = time.monotonic()
    try:
        deployment.up()
        report.figures["lifecycle: make up"] = f"{time.monotonic() - start:.1f} s"
        yield deployment
    finally:
        deployment.down()


@pytest.fixture
def deployment(first_deployment: Deployment) -> Deployment:
    """The deployment with one task, and health checks that soon notice something."""
    first_deployment.quicken()
    first_deployment.settle()
    return first_deployment


@pytest.fixture
def load(deployment: Deployment, record: Callable[[str, str], None], request: pytest.FixtureRequest) -> Iterator[Load]:
    """Requests during the test. Each is answered 200, unless the test itself has looked at the failures."""
    with Load(f"{deployment.url}/") as load:
        yield load
        time.sleep(0.5)
    record(f"lifecycle: {request.node.name}", load.summary)
    assert load.responses
    if not load.failures_expected:
        assert load.failures == []
