"""One deployment for all tests of this folder, whose tasks reach the vendors through servers that can fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.containers.base_images import BaseImages
from tests.containers.conftest import Report
from tests.containers.verify.breakages import VerifiedDeployment


@pytest.fixture(scope="session")
def deployment(
    base_images: BaseImages,  # noqa: ARG001 - an engine responds
    report: Report,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[VerifiedDeployment]:
    """The deployment, with health checks that soon notice something."""
    folder: Path = tmp_path_factory.mktemp("verify").resolve()
    with ExitStack() as stack:
        deployment = VerifiedDeployment(folder)
        deployment.make()
        start = time.monotonic()
        stack.callback(deployment.down)
        deployment.up()
        report.figures["verify: make up"] = f"{time.monotonic() - start:.1f} s"
        deployment.interpose(stack)
        yield deployment
