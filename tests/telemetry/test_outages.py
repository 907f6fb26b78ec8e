"""In an outage of the sinks requests succeed, queued items are delivered afterwards, and the process exits in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bench import load
from bench.paths import FAULT, HEALTH_CHECK, HOME, NOTIFICATIONS
from bench.testbed.fake_servers import Mode
from bench.testbed.service_process import PATHS, Service, get, start
from bench.testbed.sinks import SINKS, Sinks, expected_items
from tests.telemetry.gunicorn_server import exit_limit

pytestmark = pytest.mark.usefixtures("socket_enabled")

DEADLINE = 2.0
OUTAGES = [Mode.REFUSED, Mode.HANG, Mode.DRIP, Mode.THROTTLED, Mode.UNAVAILABLE, Mode.RESET]
Starter = Callable[..., Service]


@pytest.fixture
def sinks() -> Iterator[Sinks]:
    with ExitStack() as stack:
        yield Sinks(stack)


@pytest.fixture
def serve(sinks: Sinks) -> Iterator[Starter]:
    """Start services that send to the fake sinks; each is stopped after the test."""
    running: list[Service] = []

    def start_service(unresolvable: tuple[str, ...] = (), **variables: str) -> Service:
        environment = {**sinks.environment(unresolvable), "TELEMETRY_SHUTDOWN_DEADLINE": str(DEADLINE), **variables}
        service = start("ours", environment, 20)
        assert service is not None, "the service did not start"
        running.append(service)
        return service

    yield start_service
    for service in running:
        if service.process.poll() is None:
            service.stop(60)


def statuses_of(service: Service, count: int = 25) -> list[int]:
    """Send `count` requests, one in 25 of which fails on purpose, and return their statuses."""
    statuses = []
    for number in range(count):
        path = PATHS[number % len(PATHS)]
        statuses.append(get(service.port, path)[0])
        service.responses[path] += 1
    return statuses


EXPECTED_STATUSES = [200] * 24 + [500]


def eventually(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (result := bool(condition())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return result


@pytest.mark.parametrize("mode", OUTAGES)
def test_an_outage_changes_no_status_and_queued_items_are_delivered_after_it(
    mode: Mode, sinks: Sinks, serve: Starter
) -> None:
    sinks.set(SINKS, mode)
    service = serve()
    assert statuses_of(service) == EXPECTED_STATUSES
    service.sample()
    sinks.set(SINKS, Mode.LIVE)
    assert eventually(lambda: sinks.received() == expected_items(service.responses)), (
        sinks.received(),
        expected_items(service.responses),
    )
    detail = service.detail()
    assert {name: sum(detail[name]["dropped"].values()) for name in SINKS} == dict.fromkeys(SINKS, 0)
    assert service.maximum_threads < 20
    sinks.set(SINKS, mode)
    assert statuses_of(service) == EXPECTED_STATUSES
    exit_seconds = service.stop(60)
    assert exit_seconds is not None
    assert exit_seconds < exit_limit(DEADLINE, service.start_seconds)


def test_unresolvable_hosts_delay_neither_requests_nor_exit(serve: Starter) -> None:
    service = serve(SINKS)
    assert statuses_of(service) == EXPECTED_STATUSES
    exit_seconds = service.stop(60)
    assert exit_seconds is not None
    assert exit_seconds < exit_limit(DEADLINE, service.start_seconds)


def test_a_wrong_key_suspends_its_sink_and_the_detail_names_the_remedy(sinks: Sinks, serve: Starter) -> None:
    sinks.set(SINKS, Mode.UNAUTHORIZED)
    service = serve()
    assert statuses_of(service) == EXPECTED_STATUSES
    assert eventually(
        lambda: all("unauthorized" in service.detail()[name] for name in ("honeycomb", "cloudwatch", "rollbar"))
    )
    detail = service.detail()
    assert "check HONEYCOMB_API_KEY" in detail["honeycomb"]["unauthorized"]
    assert "logs:PutLogEvents" in detail["cloudwatch"]["unauthorized"]
    assert "check ROLLBAR_ACCESS_TOKEN" in detail["rollbar"]["unauthorized"]
    requests_before = {name: sinks.servers[name].requests for name in ("honeycomb", "cloudwatch", "rollbar")}
    assert statuses_of(service) == EXPECTED_STATUSES
    assert eventually(lambda: service.detail()["rollbar"]["dropped"]["refused"] == 2)
    assert {name: sinks.servers[name].requests for name in requests_before} == requests_before
    detail = service.detail()
    assert all(detail[name]["queued"] == 0 for name in requests_before)
    assert "drill-honeycomb-key" not in str(detail)


def test_a_full_queue_counts_dropped_items_in_the_detail(sinks: Sinks, serve: Starter) -> None:
    sinks.set(("honeycomb",), Mode.HANG)
    service = serve()
    while not (dropped := service.detail()["honeycomb"]["dropped"]["full"]):
        result = load.run(service.port, PATHS, connections=4, seconds=0.5)
        service.responses.update(result.paths)
        assert set(result.statuses) == {"200", "500"}
    detail = service.detail()["honeycomb"]
    assert dropped <= detail["dropped"]["full"]
    assert detail["queued"] <= detail["capacity"] + 512
    sinks.set(("honeycomb",), Mode.LIVE)
    assert eventually(lambda: service.detail()["honeycomb"]["queued"] <= 1)
    expected, detail = expected_items(service.responses)["honeycomb"], service.detail()["honeycomb"]
    assert eventually(lambda: sinks.received()["honeycomb"] + detail["dropped"]["full"] >= expected)


def test_segments_are_delivered_again_after_the_sidecar_was_down(sinks: Sinks, serve: Starter) -> None:
    service = serve()
    assert statuses_of(service) == EXPECTED_STATUSES
    assert eventually(lambda: sinks.received()["xray"] == expected_items(service.responses)["xray"])
    sinks.set(("xray",), Mode.REFUSED)
    assert statuses_of(service) == EXPECTED_STATUSES
    sinks.set(("xray",), Mode.LIVE)
    assert statuses_of(service) == EXPECTED_STATUSES
    assert eventually(lambda: sinks.received() == expected_items(service.responses)), (
        sinks.received(),
        expected_items(service.responses),
    )


@pytest.mark.parametrize(
    "options", ["", "--preload --workers 2", "--workers 2 --max-requests 150 --max-requests-jitter 20"]
)
def test_with_live_sinks_neither_sigterm_nor_recycled_workers_lose_items(
    options: str, sinks: Sinks, serve: Starter
) -> None:
    service = serve(GUNICORN_CMD_ARGS=options, TELEMETRY_SHUTDOWN_DEADLINE="10")
    paths = (FAULT, *(HOME, NOTIFICATIONS) * 50)  # so few errors are within the budget of their cause
    result = load.run(service.port, paths, connections=4, seconds=1.5)
    service.responses.update(result.paths)
    assert set(result.statuses) == {"200", "500"}
    assert service.stop(20) is not None
    assert eventually(lambda: sinks.received() == expected_items(service.responses), 5), (
        sinks.received(),
        expected_items(service.responses),
    )
    assert service.responses[HEALTH_CHECK] == 1
