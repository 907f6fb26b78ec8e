"""Remote sampling rules: matching, quotas and updates, without blocking a request."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing
from dataclasses import replace

import boto3
import pytest

from flask_onetrace.telemetry.sampling.boost import Boosts
from flask_onetrace.telemetry.sampling.rule import NOT_SAMPLED, RESERVOIR_HIT, Decision, SamplingRequest
from local.fakes.xray_daemon.daemon import XRayDaemon
from tests.local.emulator.conftest import free_port, start, wait_until_ready
from tests.telemetry.sampling.fake_daemon import FakeDaemon, rule
from tests.telemetry.sampling.samplers import (
    LOCAL_DECISION,
    QUICK_INTERVALS,
    REQUEST,
    SamplerFactory,
    follows_remote_rules,
    samples_half,
)
from tests.telemetry.tracing import wait_until

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_the_local_rule_decides_without_blocking_until_the_remote_rules_arrive(
    daemon: FakeDaemon, make_sampler: SamplerFactory
) -> None:
    daemon.gate.clear()
    with daemon.serving() as address:
        sampler = make_sampler(address, QUICK_INTERVALS._replace(timeout=20.0), draw=lambda: 0.0)
        sampler.decide(REQUEST)
        assert wait_until(lambda: daemon.paths)
        start = time.monotonic()
        decisions = [sampler.decide(REQUEST) for _ in range(100)]
        assert time.monotonic() - start < 10  # of the fetch's 20 s
        assert decisions == [LOCAL_DECISION] * 100
        assert sampler.source == "local"
        daemon.gate.set()
        assert wait_until(lambda: samples_half(sampler))


RULES = [
    rule("health", Priority=1, URLPath="/api/health*", FixedRate=0.0),
    rule("posts", Priority=2, HTTPMethod="POST", FixedRate=0.5),
    rule("other service", Priority=3, ServiceName="Frontend*", FixedRate=0.25),
    rule("admin host", Priority=4, Host="admin.*", FixedRate=0.2),
    rule("path and method", Priority=5, URLPath="/api/?", HTTPMethod="PUT", FixedRate=0.125),
    rule("b of the same priority", Priority=6, URLPath="/same", FixedRate=0.1),
    rule("a of the same priority", Priority=6, URLPath="/same", FixedRate=0.05),
    rule("not of version 1", Priority=1, Version=2, FixedRate=0.01),
    rule("for attributes", Priority=1, Attributes={"k": "v"}, FixedRate=0.01),
    rule("Default", Priority=10000, FixedRate=0.04),
]


@pytest.mark.parametrize("order", [1, -1], ids=["as given", "reversed"])
def test_rules_are_matched_by_service_host_method_path_and_priority(make_sampler: SamplerFactory, order: int) -> None:
    with FakeDaemon(rules=RULES[::order]).serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        requests = {
            "health": replace(REQUEST, path="/api/health-check", method="POST"),
            "posts": replace(REQUEST, method="POST", host="admin.example.com"),
            "other service": replace(REQUEST, service="frontend-2"),
            "admin host": replace(REQUEST, host="ADMIN.example.com", path="/same"),
            "path and method": replace(REQUEST, method="PUT", path="/api/x"),
            "same priority, by name": replace(REQUEST, path="/same"),
            "none of them": REQUEST,
            "a root span": SamplingRequest(service="Backend-Flask"),
        }
        assert {name: sampler.decide(each).rate for name, each in requests.items()} == {
            "health": 0,
            "posts": 2,
            "other service": 4,
            "admin host": 5,
            "path and method": 8,
            "same priority, by name": 20,
            "none of them": 25,
            "a root span": 0,
        }


def test_the_local_rule_decides_when_no_remote_rule_matches(make_sampler: SamplerFactory) -> None:
    with FakeDaemon(rules=[rule(ServiceName="Other")]).serving() as address:
        sampler = make_sampler(address)
        assert follows_remote_rules(sampler)
        assert sampler.decide(REQUEST) == LOCAL_DECISION


def test_one_request_a_second_is_borrowed_until_a_quota_arrives(
    make_sampler: SamplerFactory,
) -> None:
    daemon = FakeDaemon(rules=[rule("five", ReservoirSize=5, FixedRate=0.1)])
    now = [time.time()]
    draws = iter([0.05] + [0.5] * 1000)
    with daemon.serving() as address:
        sampler = make_sampler(address, clock=lambda: now[0], draw=lambda: next(draws))
        assert follows_remote_rules(sampler)
        assert [sampler.decide(REQUEST) for _ in range(3)] == [
            RESERVOIR_HIT,
            Decision(sampled=True, rate=10, probability=0.1),
            Decision(sampled=False, rate=0, probability=0.1),
        ]
        assert wait_until(lambda: daemon.reported_totals("five") == (3, 1, 1)), daemon.reports
        daemon.targets["five"] = {"FixedRate": 0.25, "ReservoirQuota": 3}
        now[0] += 1
        assert sampler.decide(REQUEST) == RESERVOIR_HIT
        assert wait_until(lambda: daemon.reported_totals("five") == (4, 2, 1))
        time.sleep(0.2)  # the response to that report contains the quota
        now[0] += 1
        assert [sampler.decide(REQUEST) for _ in range(6)] == [RESERVOIR_HIT] * 3 + [
            Decision(sampled=False, rate=0, probability=0.25)
        ] * 3
        now[0] += 1
        draws = iter([0.2])
        assert [sampler.decide(REQUEST) for _ in range(4)] == [RESERVOIR_HIT] * 3 + [
            Decision(sampled=True, rate=4, probability=0.25)
        ]
        assert wait_until(lambda: daemon.reported_totals("five") == (14, 2, 8)), daemon.reports
    assert {len(each["ClientID"]) for each in daemon.reports} == {24}
    assert len({each["ClientID"] for each in daemon.reports}) == 1


def test_the_callers_flag_cannot_exceed_the_rule(make_sampler: SamplerFactory) -> None:
    daemon = FakeDaemon(rules=[rule(FixedRate=0.1)], targets={"all": {"FixedRate": 0.1, "ReservoirQuota": 0}})
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.5)
        assert follows_remote_rules(sampler)
        assert sampler.decide(replace(REQUEST, hint=True)) == Decision(sampled=False, rate=0, probability=0.1)
        always = make_sampler(address, draw=lambda: 0.0)
        assert follows_remote_rules(always)
        assert always.decide(replace(REQUEST, hint=False)) == NOT_SAMPLED
        assert always.decide(replace(REQUEST, hint=True)) == Decision(sampled=True, rate=10, probability=0.1)


def test_a_changed_rule_is_fetched_at_once(daemon: FakeDaemon, make_sampler: SamplerFactory) -> None:
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        daemon.rules, daemon.last_modification = [rule(FixedRate=0.25)], time.time() + 1
        assert wait_until(lambda: sampler.decide(REQUEST).rate == 4)


def test_concurrent_requests_see_a_consistent_rule_set_during_updates(make_sampler: SamplerFactory) -> None:
    many = [rule(f"r{number:03}", Priority=200 + number, FixedRate=0.25) for number in range(100)]
    daemon = FakeDaemon(rules=[*many, rule("first", Priority=1, FixedRate=0.5, ReservoirSize=0)])
    unexpected: list[object] = []
    with daemon.serving() as address:
        sampler = make_sampler(address, QUICK_INTERVALS._replace(targets=0.0, rules=0.0), draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        deadline = time.monotonic() + 1.5

        def decide_repeatedly() -> None:
            while time.monotonic() < deadline:
                try:
                    decision = sampler.decide(REQUEST)
                except Exception as error:  # noqa: BLE001 - any exception would have failed a request
                    unexpected.append(error)
                else:
                    if decision.rate != 2:
                        unexpected.append(decision)

        threads = [threading.Thread(target=decide_repeatedly) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert daemon.paths.count("/GetSamplingRules") > 3
    assert unexpected == []


def test_rules_of_the_emulated_x_ray_are_followed_through_its_daemon(make_sampler: SamplerFactory) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    session = boto3.Session("local-fake-key", "local-fake-secret", region_name="us-east-1")
    with ExitStack() as stack:
        process = stack.enter_context(start(port))
        stack.callback(process.terminate)
        wait_until_ready(process, endpoint)
        xray_daemon = stack.enter_context(closing(XRayDaemon(port=free_port(), endpoint=endpoint, session=session)))
        xray = session.client("xray", endpoint_url=endpoint)
        xray.create_sampling_rule(
            SamplingRule={
                "RuleName": "Cruddur",
                "ResourceARN": "*",
                "Priority": 9000,
                "FixedRate": 0.5,
                "ReservoirSize": 2,
                "ServiceName": "Backend-Flask",
                "ServiceType": "*",
                "Host": "*",
                "HTTPMethod": "*",
                "URLPath": "*",
                "Version": 1,
            }
        )
        intervals = QUICK_INTERVALS._replace(targets=0.2, timeout=10.0)
        sampler = make_sampler(("127.0.0.1", int(xray_daemon.url.rpartition(":")[2])), intervals, draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        assert wait_until(lambda: [sampler.decide(REQUEST).rate for _ in range(4)].count(1) == 2), (
            "the quota of 2 a second"
        )
        xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Cruddur", "FixedRate": 0.25, "ReservoirSize": 0})
        assert wait_until(lambda: sampler.decide(REQUEST).rate == 4)


def test_a_boost_raises_the_rate_of_its_rule_until_it_expires(make_sampler: SamplerFactory) -> None:
    boost = {"MaxRate": 0.5, "CooldownWindowMinutes": 1}
    daemon = FakeDaemon(rules=[rule("boosted", FixedRate=0.1, SamplingRateBoost=boost)])
    now = [time.time()]
    with daemon.serving() as address:
        sampler = make_sampler(address, service="Backend-Flask", clock=lambda: now[0], draw=lambda: 0.3)
        assert follows_remote_rules(sampler)
        ordinary = [sampler.decide(REQUEST) for _ in range(4)]
        assert [each.sampled for each in ordinary] == [False] * 4
        assert {each.boosted_rule for each in ordinary} == {"boosted"}
        sampler.count_anomaly(ordinary[0], sampled=True)
        sampler.count_anomaly(ordinary[1], sampled=False)
        assert wait_until(lambda: totals(daemon) == (4, 2, 1)), daemon.boost_reports
        assert {(each["RuleName"], each["ServiceName"]) for each in daemon.boost_reports} == {
            ("boosted", "Backend-Flask")
        }
        granted = {"BoostRate": 0.5, "BoostRateTTL": now[0] + 60}
        daemon.targets["boosted"] = {"FixedRate": 0.1, "ReservoirQuota": 0, "SamplingBoost": granted}
        now[0] += 1
        expected = Decision(sampled=True, rate=2, probability=0.5, boosted_rule="boosted")
        assert wait_until(lambda: sampler.decide(REQUEST) == expected)
        now[0] += 61
        assert sampler.decide(REQUEST).probability == 0.1


def totals(daemon: FakeDaemon) -> tuple[int, ...]:
    names = ("TotalCount", "AnomalyCount", "SampledAnomalyCount")
    return tuple(sum(each[name] for each in daemon.boost_reports) for name in names)


def test_the_counts_of_a_report_that_failed_are_in_the_next_one(make_sampler: SamplerFactory) -> None:
    daemon = FakeDaemon(rules=[rule("boosted", FixedRate=0.1, SamplingRateBoost={"MaxRate": 0.5})])
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.3)
        assert follows_remote_rules(sampler)
        daemon.status = 503
        asked = len(daemon.paths)
        for _ in range(7):
            sampler.count_anomaly(sampler.decide(REQUEST), sampled=True)
        assert wait_until(lambda: "/SamplingTargets" in daemon.paths[asked:])
        daemon.status = 200
        assert wait_until(lambda: totals(daemon) == (7, 7, 7)), daemon.boost_reports


def test_of_more_boosted_rules_than_a_report_takes_each_is_reported_in_turn() -> None:
    boosts = Boosts("Backend-Flask")
    names = [f"rule-{number}" for number in range(60)]
    boosts.load_rules([{"RuleName": name, "SamplingRateBoost": {"MaxRate": 1}} for name in names])
    reported: list[str] = []
    for now in range(1, 4):
        for name in names:
            boosts.rate(name, 0.1, now)
        documents = boosts.statistics(now)
        assert len(documents) == 25
        reported += [each["RuleName"] for each in documents]
    assert set(reported) == set(names)


def test_a_rule_without_a_boost_reports_no_anomalies(make_sampler: SamplerFactory) -> None:
    daemon = FakeDaemon(rules=[rule("plain", FixedRate=1.0)])
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        sampler.count_anomaly(sampler.decide(REQUEST), sampled=True)
        assert wait_until(lambda: daemon.reported_totals("plain")[0] > 0)
    assert daemon.boost_reports == []
