"""A container starts in about a second, and its health check costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.containers.conftest import Images
from tests.containers.containers import running
from tests.containers.test_contents import ORDERS

pytestmark = [pytest.mark.timeout(900), pytest.mark.allow_hosts(["127.0.0.1"])]

START_SECONDS = 15.0
"""1 s on a quiet core; the machine may do other things beside."""
START_CPU_SECONDS = {"sample": 1.0, "bookings": 1.0, "orders": 1.5}
"""What that second is spent on. Half of what orders needs is SQLAlchemy and its driver."""
HEALTH_CHECK_CPU_SECONDS = 0.05
STARTS = 3

HEALTH_CHECK = """
import resource, subprocess, sys
costs = []
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "flask_onetrace.healthcheck"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
print(min(costs))
"""
IMPORTED_AT_START = """
import subprocess, sys
program = "import flask_onetrace.wsgi, gunicorn.app.wsgiapp"
listing = subprocess.run([sys.executable, "-v", "-c", program], capture_output=True, text=True).stderr
loads = [line.partition(" from ")[2].strip("'") for line in listing.splitlines() if line.startswith("# code object")]
print(*loads)
"""
"""The files of which the modules' code is read, by the interpreter's own account."""


def costs_of_start(image: str) -> tuple[float, float, float]:
    """Return the CPU time of a start, the time to the first response, and the CPU time of a health check; seconds."""
    with running(image, ORDERS, "--no-healthcheck") as container:
        seconds = container.until_answer()
        return container.processor_seconds(), seconds, float(container.python(HEALTH_CHECK))


@pytest.mark.parametrize("name", ["sample", "orders", "bookings"])
def test_a_container_starts_soon_and_a_health_check_is_cheap(
    name: str, images: Images, record: Callable[[str, str], None]
) -> None:
    # The least is what it costs: what the machine does beside takes caches and clock from it.
    processor, seconds, health_check = map(
        min, zip(*(costs_of_start(getattr(images, name)) for _ in range(STARTS)), strict=True)
    )
    limit = START_CPU_SECONDS[name]
    record(f"start of {name}", f"{seconds:.2f} s to the first response, {processor:.2f} s of CPU (at most {limit:g} s)")
    record(f"health check of {name}", f"{health_check:.3f} s of CPU (at most {HEALTH_CHECK_CPU_SECONDS} s)")
    assert seconds <= START_SECONDS
    assert processor <= limit
    assert health_check <= HEALTH_CHECK_CPU_SECONDS


@pytest.mark.parametrize("name", ["sample", "orders"])
def test_the_start_compiles_no_module(name: str, images: Images) -> None:
    with running(getattr(images, name), ORDERS, "--no-healthcheck") as container:
        container.until_answer()
        sources = container.python(IMPORTED_AT_START).split()
    assert len(sources) > 300
    assert [each for each in sources if not each.endswith(".pyc")] == []


@pytest.mark.parametrize("name", ["sample", "orders", "bookings"])
def test_the_engine_finds_the_container_healthy(name: str, images: Images) -> None:
    with running(getattr(images, name), ORDERS, "--health-interval", "1s") as container:
        container.until_health("healthy")


def test_the_engine_finds_a_container_unhealthy_and_knows_why(images: Images) -> None:
    options = ("--health-interval", "1s", "--health-retries", "1", "--health-start-period", "1ms")
    with running(images.bookings, {"HEALTH_CHECK_PATH": "/fault"}, *options) as container:
        container.until_health_output("not healthy: GET /fault returned 500, expected a 2xx\n")
        container.until_health("unhealthy")
