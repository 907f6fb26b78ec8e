"""Outages of all four sinks at once: requests go on, what is held arrives, and the process ends in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bench import load
from bench.outages.fake_servers import Mode
from bench.outages.service_process import HEALTH, PATHS, SINKS, Service, Sinks, ask, expected, start

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
    """Start services with their sinks there; each is ended with the test."""
    running: list[Service] = []

    def begin(unresolvable: tuple[str, ...] = (), **variables: str) -> Service:
        environment = {**sinks.environment(unresolvable), "TELEMETRY_SHUTDOWN_DEADLINE": str(DEADLINE), **variables}
        service = start("ours", environment, 20)
        assert service is not None, "the service did not start"
        running.append(service)
        return service

    yield begin
    for service in running:
        if service.process.poll() is None:
            service.stop(15)


def answers(service: Service, count: int = 25) -> list[int]:
    """Return the status of so many requests, one in 25 of which fails on purpose."""
    found = []
    for number in range(count):
        path = PATHS[number % len(PATHS)]
        found.append(ask(service.port, path)[0])
        service.asked[path] += 1
    return found


FINE = [200] * 24 + [500]


def until(look: Callable[[], object], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (found := bool(look())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("mode", OUTAGES)
def test_through_an_outage_answers_stay_and_what_was_held_arrives_after_it(
    mode: Mode, sinks: Sinks, serve: Starter
) -> None:
    sinks.set(SINKS, mode)
    service = serve()
    assert answers(service) == FINE
    service.look()
    sinks.set(SINKS, Mode.LIVE)
    assert until(lambda: sinks.taken() == expected(service.asked)), (sinks.taken(), expected(service.asked))
    detail = service.detail()
    assert {name: sum(detail[name]["dropped"].values()) for name in SINKS} == dict.fromkeys(SINKS, 0)
    assert service.most_threads < 20
    sinks.set(SINKS, mode)
    assert answers(service) == FINE
    stopped = service.stop(15)
    assert stopped is not None
    assert stopped < DEADLINE + 3


def test_names_that_nobody_knows_keep_no_request_and_no_exit_waiting(serve: Starter) -> None:
    service = serve(SINKS)
    assert answers(service) == FINE
    stopped = service.stop(15)
    assert stopped is not None
    assert stopped < DEADLINE + 3


def test_a_wrong_key_turns_its_sink_quiet_and_the_detail_names_the_remedy(sinks: Sinks, serve: Starter) -> None:
    sinks.set(SINKS, Mode.UNAUTHORIZED)
    service = serve()
    assert answers(service) == FINE
    assert until(lambda: all("quiet" in service.detail()[name] for name in ("honeycomb", "cloudwatch", "rollbar")))
    detail = service.detail()
    assert "check HONEYCOMB_API_KEY" in detail["honeycomb"]["quiet"]
    assert "logs:PutLogEvents" in detail["cloudwatch"]["quiet"]
    assert "check ROLLBAR_ACCESS_TOKEN" in detail["rollbar"]["quiet"]
    asked_before = {name: sinks.ends[name].requests for name in ("honeycomb", "cloudwatch", "rollbar")}
    assert answers(service) == FINE
    assert until(lambda: service.detail()["rollbar"]["dropped"]["refused"] == 2)
    assert {name: sinks.ends[name].requests for name in asked_before} == asked_before
    detail = service.detail()
    assert all(detail[name]["queued"] == 0 for name in asked_before)
    assert "drill-honeycomb-key" not in str(detail)


def test_a_full_queue_is_counted_where_it_can_be_seen(sinks: Sinks, serve: Starter) -> None:
    sinks.set(("honeycomb",), Mode.HANG)
    service = serve()
    while not (dropped := service.detail()["honeycomb"]["dropped"]["full"]):
        found = load.run(service.port, PATHS, connections=4, seconds=0.5)
        service.asked.update(found.paths)
        assert set(found.statuses) == {"200", "500"}
    detail = service.detail()["honeycomb"]
    assert dropped <= detail["dropped"]["full"]
    assert detail["queued"] <= detail["capacity"] + 512
    sinks.set(("honeycomb",), Mode.LIVE)
    assert until(lambda: service.detail()["honeycomb"]["queued"] <= 1)
    wanted, detail = expected(service.asked)["honeycomb"], service.detail()["honeycomb"]
    assert until(lambda: sinks.taken()["honeycomb"] + detail["dropped"]["full"] >= wanted)


def test_the_sidecar_may_die_while_serving_and_segments_flow_again(sinks: Sinks, serve: Starter) -> None:
    service = serve()
    assert answers(service) == FINE
    assert until(lambda: sinks.taken()["xray"] == expected(service.asked)["xray"])
    sinks.set(("xray",), Mode.REFUSED)
    assert answers(service) == FINE
    sinks.set(("xray",), Mode.LIVE)
    assert answers(service) == FINE
    assert until(lambda: sinks.taken() == expected(service.asked)), (sinks.taken(), expected(service.asked))


@pytest.mark.parametrize(
    "options", ["", "--preload --workers 2", "--workers 2 --max-requests 150 --max-requests-jitter 20"]
)
def test_with_live_sinks_sigterm_and_recycled_workers_lose_nothing(options: str, sinks: Sinks, serve: Starter) -> None:
    service = serve(GUNICORN_CMD_ARGS=options, TELEMETRY_SHUTDOWN_DEADLINE="10")
    found = load.run(service.port, PATHS, connections=4, seconds=1.5)
    service.asked.update(found.paths)
    assert set(found.statuses) == {"200", "500"}
    assert service.stop(20) is not None
    assert until(lambda: sinks.taken() == expected(service.asked), 5), (sinks.taken(), expected(service.asked))
    assert service.asked[HEALTH] == 1
