"""Each limit has a value with a source or says that there is none, and a use that is computed as its formula says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from flask_onetrace.telemetry.export import http, queue
from flask_onetrace.telemetry.sampling.remote import PollingIntervals
from flask_onetrace.telemetry.sinks.cloudwatch import handler
from flask_onetrace.telemetry.sinks.rollbar import causes
from operations.cost import telemetry
from operations.cost.traffic import exports, measured
from operations.errors import OperatorError
from operations.scale import limits, load, simulation
from operations.scale.headroom import first_between, reached_at, rows_of
from operations.scale.limits import FORMULAS, Limit, limits_of
from operations.synthesis import CHECKOUT
from tests.operations.scale import samples


def _limit(key: str) -> Limit:
    return next(each for each in limits_of(samples.SERVICE) if each.key == key)


def _value(key: str) -> float | None:
    value = _limit(key).value
    return value and value(samples.load(1))


def test_each_limit_has_a_use_and_a_source_and_an_answer() -> None:
    limits = limits_of(replace(samples.SERVICE, spot_share=0.5))
    assert {each.key for each in limits} == set(FORMULAS)
    for each in limits:
        texts = (each.name, each.unit, each.scope, each.remedy, each.formula, each.title)
        assert all(texts), each.key
        assert each.adjustable in (True, False, None)
        assert isinstance(each.quoted, bool)
        assert type(each.read_on) is date
        assert each.source.startswith("https://") or (CHECKOUT / each.source).is_file(), each.key
        assert date(2026, 1, 1) <= each.read_on <= date(2030, 1, 1), each.key


def test_the_limits_of_the_services_own_code_are_those_of_its_code() -> None:
    """The modules' own names are private: these figures are not theirs to give."""
    assert vars(handler)["_CAPACITY"] == _value("log-queue")
    assert vars(handler)["_BATCH_SIZE"] == load.LOG_BATCH
    assert vars(handler)["_EVENT_OVERHEAD"] == telemetry.EVENT_BYTES
    defaults = queue.ExportQueue.__init__.__kwdefaults__ or {}
    assert defaults["capacity"] == _value("span-queue")
    assert defaults["interval"] == load.INTERVAL
    assert vars(http)["_TOTAL_TIMEOUT"] == limits.SINK_TIMEOUT
    assert load.ITEMS_PER_CAUSE == causes.RATE
    assert PollingIntervals()[:2] == limits.POLLING_INTERVALS
    configuration = (CHECKOUT / "flask_onetrace" / "gunicorn_conf.py").read_text(encoding="utf-8")
    assert f"\nworker_connections = {simulation.WORKER_CONNECTIONS}\n" in configuration


def test_the_calls_that_are_computed_are_those_that_the_bench_measured() -> None:
    for each in exports():
        scaling = replace(samples.SCALING, minimum=1, requests_per_minute=1e9)
        one_process = replace(samples.SERVICE, workers=1, scaling=scaling)
        process = load.Load(each.requests, one_process, replace(measured(), requests_per_vcpu=1e9), 0.0, 0.05)
        assert process.log_calls == pytest.approx(each.put_log_events, rel=0.25)


@pytest.mark.parametrize(
    ("key", "requests", "utilization"),
    [
        # 50 requests a second and task by the target of 3,000 a minute, 300 by 60 % of 500 with half a vCPU
        ("autoscaling-maximum", 300, 6 / 6),
        # of the six tasks that 300 a second ask for, not of the maximum: at 64 and at 1,000 they are 2 and 20
        ("task-cpu", 64, 64 / (1000 * 0.5 * 2)),
        ("task-cpu", 300, 300 / (1000 * 0.5 * 6)),
        ("task-cpu", 1000, 1000 / (1000 * 0.5 * 20)),
        ("threads", 64, 64 * 0.05 / (2 * 8 * 2)),
        ("threads", 300, 300 * 0.05 / (2 * 8 * 6)),
        ("threads", 1000, 1000 * 0.05 / (2 * 8 * 20)),
        ("task-memory", 300, 2 * 80 / 896),
        # 200 tasks, 400 while a deployment runs old and new ones
        ("fargate-vcpu", 10_000, 400 * 0.5 / 6),
        ("alb-targets", 10_000, 400 / 1000),
        ("subnet-addresses", 10_000, 400 / 8182),
        # from 5,000 requests a second, 100 tasks start within the minute
        ("fargate-launches", 10_000, 100 / 500),
        ("ecr-public-pulls", 10_000, 100 / 60 / 10),
        ("secret-reads", 10_000, 100 / 60 * 2 / 10_000),
        # 400 processes with two calls a second, of 25 requests with two lines of 500 bytes
        ("put-log-events", 10_000, 800 / 5000),
        ("put-log-events-bytes", 10_000, 12.5 * 2 * 500 / 1_048_576),
        # 5 a second and a tenth of the rest
        ("xray-segments", 10_005, (5 + 1000) / 2600),
        ("xray-trace-bytes", 1, 1000 / 512_000),
        ("daemon-cpu", 50 * 200, (5 + 999.5) / 200 * 0.094 * 1.024 / 32),
        ("daemon-buffers", 10_000, (5 + 999.5) / 200 * 2 / 512),
        ("nat-bandwidth", 10_000, (10_000 * 800 + 1004.5 * (1200 + 1500)) / 2 * 8 / 1e9 / 100),
        ("nat-connections", 10_000, 200 * 8 / 2 / 55_000),
        ("log-queue", 10_000, 25 * 2 * 8 / 20_000),
        ("span-queue", 10_000, 1004.5 / 400 * 2 * 8 / 4096),
    ],
)
def test_the_use_of_a_limit_is_the_one_computed_by_hand(key: str, requests: float, utilization: float) -> None:
    assert _limit(key).utilization(samples.load(requests)) == pytest.approx(utilization)


def test_failures_are_sampled_beside_the_rule_and_reported_once_a_second_for_each_cause() -> None:
    failing = samples.load(1000, failed_share=0.1)
    assert failing.sampled_requests == pytest.approx(5 + 99.5 + (1000 - 104.5) * 0.1)
    assert failing.rollbar_items == 40  # processes, as each has more than one failure a second


@pytest.mark.parametrize(
    ("key", "point"),
    [
        ("autoscaling-maximum", 300),
        ("fargate-vcpu", 300),
        ("task-cpu", None),
        ("threads", None),
        ("alb-targets", 25_000),
        ("xray-segments", 25_955),
        ("put-log-events", 62_500),
        ("xray-trace-bytes", None),
    ],
)
def test_a_limit_is_reached_where_it_is_by_hand(key: str, point: float | None) -> None:
    requests = reached_at(_limit(key), samples.load)
    assert requests is None if point is None else requests == pytest.approx(point, rel=0.006)


@pytest.mark.parametrize(
    ("latency", "point"),
    [
        # two tasks up to 100 a second: 32 threads / 0.5 s
        (0.5, 64),
        # 32 threads / 0.33 s = 97, just before the third task comes; three tasks are full at 145 of their 150
        (0.33, 97),
        # 50 a second and task need 16 threads, never more than there are
        (0.32, None),
    ],
)
def test_threads_are_those_of_the_desired_tasks(latency: float, point: float | None) -> None:
    requests = reached_at(_limit("threads"), lambda requests: samples.load(requests, latency=latency))
    assert requests is None if point is None else requests == pytest.approx(point, rel=0.006)


def test_cpu_is_that_of_the_desired_tasks() -> None:
    """Of the 50 requests a second that a task gets by the other policy 0.04 vCPU serve 40: two tasks are full at 80."""
    scaling = replace(samples.SCALING, cpu_percent=None, serving_vcpu=0.04)
    service = replace(samples.SERVICE, scaling=scaling)
    reached = reached_at(_limit("task-cpu"), lambda requests: samples.load(requests, service=service))
    assert reached == pytest.approx(80, rel=0.006)


def test_above_its_load_a_limit_is_exceeded_and_below_it_is_not() -> None:
    for row in rows_of(limits_of(samples.SERVICE), samples.load):
        if row.reached_at is not None:
            assert row.limit.utilization(samples.load(row.reached_at * 1.05)) > 1, row.limit.key
            assert row.limit.utilization(samples.load(row.reached_at * 0.95)) <= 1, row.limit.key


def test_the_rows_begin_with_what_is_reached_first() -> None:
    rows = rows_of(limits_of(samples.SERVICE), samples.load)
    points = [row.reached_at for row in rows if row.reached_at is not None]
    assert points == sorted(points)
    assert first_between(rows, 0, 100) is None
    first = first_between(rows, 100, 1000)
    assert first is not None
    assert first.limit.key == "autoscaling-maximum"


def test_a_service_without_nat_gateways_in_a_vpc_of_its_own_has_no_limits_of_them() -> None:
    service = replace(samples.SERVICE, nat_gateways=0, addresses=None, public_images=0)
    keys = {each.key for each in limits_of(service)}
    absent = {"nat-bandwidth", "nat-packets", "nat-connections", "subnet-addresses", "ecr-public-pulls"}
    absent.add("fargate-spot-vcpu")
    assert keys == set(FORMULAS) - absent
    assert rows_of(limits_of(service), lambda requests: samples.load(requests, service=service))


def test_tasks_on_spot_take_their_share_off_the_quota_on_demand() -> None:
    """Of 200 tasks two are the minimum, and 70 % of the rest are on Spot: 400 of half a vCPU during a deployment."""
    service = replace(samples.SERVICE, spot_share=0.7)
    utilizations = {each.key: each.utilization(samples.load(10_000, service=service)) for each in limits_of(service)}
    assert utilizations["fargate-spot-vcpu"] == pytest.approx(198 * 0.7 * 2 * 0.5 / 6)
    assert utilizations["fargate-vcpu"] == pytest.approx((2 + 198 * 0.3) * 2 * 0.5 / 6)


def test_endpoints_take_their_share_off_the_nat_gateways() -> None:
    service = replace(samples.SERVICE, endpoints=frozenset({"logs", "xray"}))
    assert samples.load(10_000, service=service).nat_bytes == pytest.approx(1004.5 * 1500 / 2)


def test_the_limits_of_an_account_replace_the_defaults(tmp_path: Path) -> None:
    own = tmp_path / "account.toml"
    own.write_text("fargate-vcpu = 4000\nhoneycomb-events = 1_000\n", encoding="utf-8")
    limits = {each.key: each for each in limits_of(samples.SERVICE, own)}
    assert limits["fargate-vcpu"].utilization(samples.load(10_000)) == pytest.approx(0.05)
    assert limits["honeycomb-events"].value is not None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("fargate-vcpu = ", "cannot be read"),
        ("fargate-vcpus = 4000", "which is no limit"),
        ("fargate-vcpu = '4000'", "which is no positive number"),
        ("fargate-vcpu = true", "which is no positive number"),
        ("fargate-vcpu = 0", "which is no positive number"),
        ("fargate-vcpu = nan", "which is no positive number"),
        ("fargate-vcpu = inf", "which is no positive number"),
        (f"fargate-vcpu = {10**400}", "which is no positive number"),
        ("[fargate-vcpu]\nvalue = 4000", "which is no positive number"),
    ],
)
def test_bad_limits_of_an_account_are_named(tmp_path: Path, content: str, problem: str) -> None:
    own = tmp_path / "account.toml"
    own.write_text(content, encoding="utf-8")
    with pytest.raises(OperatorError, match="LIMITS=") as error:
        limits_of(samples.SERVICE, own)
    assert problem in error.value.problem
    assert "fargate-vcpu = 4000" in error.value.remedy


def test_a_missing_file_of_limits_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        limits_of(samples.SERVICE, tmp_path / "none.toml")


@pytest.mark.parametrize("key", [key for key, formula in FORMULAS.items() if formula.setting])
def test_a_setting_of_the_stacks_is_no_quota_of_the_account(tmp_path: Path, key: str) -> None:
    """The simulation would run by the stacks' value, and the limits by the account's."""
    own = tmp_path / "account.toml"
    own.write_text(f"{key} = 50\n", encoding="utf-8")
    with pytest.raises(OperatorError, match="no quota but a setting of the stacks"):
        limits_of(samples.SERVICE, own)
