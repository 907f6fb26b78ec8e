from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from tests.local.emulator.conftest import free_port, start, wait_until_ready


@pytest.fixture(scope="module")
def emulated_aws() -> Iterator[EmulatedAws]:
    """Give each module an emulator of its own."""
    aws = EmulatedAws(free_port())
    process = start(aws.port)
    try:
        wait_until_ready(process, aws.endpoint)
        yield aws
    finally:
        process.terminate()
        process.communicate(timeout=15)
