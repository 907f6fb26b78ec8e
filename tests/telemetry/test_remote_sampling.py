"""X-Ray's own rules decide as soon as they can be fetched; the request never waits for them."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials
from flask import Flask, request

from local.standins.server import Served
from local.standins.xray_daemon import XRayDaemon
from service.telemetry.remote_sampling import Pace, RemoteSampler
from service.telemetry.sampling import DROPPED, ONE, Decision, Question
from tests.local.emulator.conftest import free_port, start, wait_until_ready
from tests.telemetry.conftest import AppMaker
from tests.telemetry.observatory import Observatory
from tests.telemetry.sampling_daemon import Daemon, rule
from tests.telemetry.tracing import ask, beside_the_access_line, telemetry_of, until

pytestmark = pytest.mark.usefixtures("socket_enabled")

QUICK = Pace(targets=0.02, rules=3600.0, retry=0.02, patience=0.05, time_limit=1.0)
REQUEST = Question(service="Backend-Flask", host="example.com", method="GET", path="/api/activities/home")
LOCAL = Decision(sampled=True, rate=77)
"""What the local rule of these tests says, and no remote one does."""

SamplerMaker = Callable[..., RemoteSampler]


class Local:
    def decide(self, question: Question) -> Decision:  # noqa: ARG002 - the interface's signature
        return LOCAL


@pytest.fixture
def make() -> Iterator[SamplerMaker]:
    made: list[RemoteSampler] = []

    def sampler(address: tuple[str, int], pace: Pace = QUICK, **given: Any) -> RemoteSampler:  # noqa: ANN401 - passed on
        made.append(RemoteSampler(address, Local(), pace=pace, **given))
        return made[-1]

    yield sampler
    for each in made:
        each.close()


@pytest.fixture
def daemon() -> Daemon:
    return Daemon(rules=[rule(FixedRate=0.5)])


def following(sampler: RemoteSampler) -> bool:
    """Return whether the remote rules decide, after a first request that starts the polling."""
    sampler.decide(REQUEST)
    return until(lambda: sampler.source == "x-ray")


def polling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "telemetry-sampling"]


def half(sampler: RemoteSampler) -> bool:
    return sampler.decide(REQUEST) == Decision(sampled=True, rate=2)


def test_the_local_rule_decides_until_the_rules_are_there_and_nobody_waits(daemon: Daemon, make: SamplerMaker) -> None:
    daemon.gate.clear()
    with daemon.serving() as address:
        sampler = make(address, QUICK._replace(time_limit=5.0), draw=lambda: 0.0)
        sampler.decide(REQUEST)
        assert until(lambda: daemon.asked)
        begun = time.perf_counter()
        decisions = [sampler.decide(REQUEST) for _ in range(100)]
        assert (time.perf_counter() - begun) / 100 < 0.005
        assert decisions == [LOCAL] * 100
        assert sampler.source == "local"
        daemon.gate.set()
        assert until(lambda: half(sampler))


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
def test_service_host_method_path_and_priority_choose_the_rule(make: SamplerMaker, order: int) -> None:
    with Daemon(rules=RULES[::order]).serving() as address:
        sampler = make(address, draw=lambda: 0.0)
        assert following(sampler)
        asked = {
            "health": replace(REQUEST, path="/api/health-check", method="POST"),
            "posts": replace(REQUEST, method="POST", host="admin.example.com"),
            "other service": replace(REQUEST, service="frontend-2"),
            "admin host": replace(REQUEST, host="ADMIN.example.com", path="/same"),
            "path and method": replace(REQUEST, method="PUT", path="/api/x"),
            "same priority, by name": replace(REQUEST, path="/same"),
            "none of them": REQUEST,
            "a root span": Question(service="Backend-Flask"),
        }
        assert {name: sampler.decide(each).rate for name, each in asked.items()} == {
            "health": 0,
            "posts": 2,
            "other service": 4,
            "admin host": 5,
            "path and method": 8,
            "same priority, by name": 20,
            "none of them": 25,
            "a root span": 0,
        }


def test_without_any_rule_that_matches_the_local_one_decides(make: SamplerMaker) -> None:
    with Daemon(rules=[rule(ServiceName="Other")]).serving() as address:
        sampler = make(address)
        assert following(sampler)
        assert sampler.decide(REQUEST) == LOCAL


def test_one_request_a_second_is_borrowed_until_the_quota_comes_then_the_quota_holds(make: SamplerMaker) -> None:
    daemon = Daemon(rules=[rule("five", ReservoirSize=5, FixedRate=0.1)])
    now = [time.time()]
    draws = iter([0.05] + [0.5] * 1000)
    with daemon.serving() as address:
        sampler = make(address, clock=lambda: now[0], draw=lambda: next(draws))
        assert following(sampler)
        assert [sampler.decide(REQUEST) for _ in range(3)] == [ONE, Decision(sampled=True, rate=10), DROPPED]
        assert until(lambda: daemon.total("five") == (3, 1, 1)), daemon.reports
        daemon.targets["five"] = {"FixedRate": 0.25, "ReservoirQuota": 3}
        now[0] += 1
        assert sampler.decide(REQUEST) == ONE
        assert until(lambda: daemon.total("five") == (4, 2, 1))
        time.sleep(0.2)  # the answer to that report brings the quota
        now[0] += 1
        assert [sampler.decide(REQUEST) for _ in range(6)] == [ONE] * 3 + [DROPPED] * 3
        now[0] += 1
        draws = iter([0.2])
        assert [sampler.decide(REQUEST) for _ in range(4)] == [ONE] * 3 + [Decision(sampled=True, rate=4)]
        assert until(lambda: daemon.total("five") == (14, 2, 8)), daemon.reports
    assert {len(each["ClientID"]) for each in daemon.reports} == {24}
    assert len({each["ClientID"] for each in daemon.reports}) == 1


def test_a_callers_flag_stays_within_the_rule(make: SamplerMaker) -> None:
    daemon = Daemon(rules=[rule(FixedRate=0.1)], targets={"all": {"FixedRate": 0.1, "ReservoirQuota": 0}})
    with daemon.serving() as address:
        sampler = make(address, draw=lambda: 0.5)
        assert following(sampler)
        assert sampler.decide(replace(REQUEST, hint=True)) == DROPPED
        refused = make(address, draw=lambda: 0.0)
        assert following(refused)
        assert refused.decide(replace(REQUEST, hint=False)) == DROPPED
        assert refused.decide(replace(REQUEST, hint=True)) == Decision(sampled=True, rate=10)


def test_a_changed_rule_is_fetched_at_once(daemon: Daemon, make: SamplerMaker) -> None:
    with daemon.serving() as address:
        sampler = make(address, draw=lambda: 0.0)
        assert following(sampler)
        daemon.rules, daemon.changed_at = [rule(FixedRate=0.25)], time.time() + 1
        assert until(lambda: sampler.decide(REQUEST).rate == 4)


def test_when_the_daemon_is_gone_the_local_rule_decides_and_it_is_said_once(
    daemon: Daemon, make: SamplerMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with daemon.serving() as address:
        sampler = make(address, draw=lambda: 0.0)
        assert following(sampler)
    assert until(lambda: sampler.decide(REQUEST) == LOCAL)
    time.sleep(0.5)  # some ten more attempts fail
    with daemon.serving(address[1]):
        assert until(lambda: half(sampler))
    assert until(lambda: sampler.decide(REQUEST) == LOCAL)
    [line] = caplog.records
    assert line.levelname == "WARNING"
    assert f"127.0.0.1:{address[1]}" in line.getMessage()


def test_a_single_failure_changes_nothing(daemon: Daemon, make: SamplerMaker, caplog: pytest.LogCaptureFixture) -> None:
    with daemon.serving() as address:
        sampler = make(address, QUICK._replace(retry=0.3, patience=0.3), draw=lambda: 0.0)
        assert following(sampler)
        daemon.status, before = 503, len(daemon.asked)
        assert until(lambda: half(sampler) and len(daemon.asked) > before)
        daemon.status = 200
        for _ in range(50):
            assert half(sampler)
            time.sleep(0.01)
    assert caplog.records == []


@pytest.mark.parametrize("status", [403, 429, 500])
def test_an_xray_that_refuses_is_not_hammered(daemon: Daemon, make: SamplerMaker, status: int) -> None:
    daemon.status = status
    with daemon.serving() as address:
        sampler = make(address, QUICK._replace(retry=0.05, patience=10.0))
        sampler.decide(REQUEST)
        time.sleep(1.2)
        assert sampler.decide(REQUEST) == LOCAL
        assert 3 <= len(daemon.asked) <= 6  # at 0, 0.05, 0.15, 0.35, 0.75 s


def test_a_daemon_that_starts_late_is_found_within_seconds(daemon: Daemon, make: SamplerMaker) -> None:
    port = free_port()
    sampler = make(("127.0.0.1", port), Pace(), draw=lambda: 0.0)
    sampler.decide(REQUEST)
    time.sleep(0.7)  # the first attempt has failed
    with daemon.serving(port):
        begun = time.monotonic()
        assert until(lambda: half(sampler), seconds=8)
        assert time.monotonic() - begun < 4


def test_a_forked_worker_polls_anew_even_if_a_lock_was_held(daemon: Daemon, make: SamplerMaker) -> None:
    with daemon.serving() as address:
        sampler = make(address, draw=lambda: 0.0)
        assert following(sampler)
        clients = len(daemon.asked)
        with sampler._cache.lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # what this test is about: forking with threads
            child = os.fork()
        if child == 0:
            signal.alarm(15)  # a lock held for ever ends it
            try:
                begun_anew = sampler.source == "local" and sampler.decide(REQUEST) == LOCAL
                os._exit(0 if begun_anew and until(lambda: half(sampler), seconds=8) else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert half(sampler)
        assert len(daemon.asked) > clients


def test_close_ends_the_polling_and_none_begins_later(daemon: Daemon, make: SamplerMaker) -> None:
    before = polling()
    with daemon.serving() as address:
        sampler, never = make(address), make(address)
        assert following(sampler)
        [mine] = [thread for thread in polling() if thread not in before]
        sampler.close()
        assert until(lambda: not mine.is_alive())
        asked = len(daemon.asked)
        never.close()
        assert never.decide(REQUEST) == LOCAL
        time.sleep(0.2)
        assert len(daemon.asked) == asked


def test_where_no_thread_is_to_be_had_the_local_rule_decides(
    daemon: Daemon, make: SamplerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with daemon.serving() as address:
        sampler = make(address, draw=lambda: 0.0)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            assert sampler.decide(REQUEST) == LOCAL
        assert until(lambda: half(sampler))


def test_neither_a_proxy_nor_a_metadata_service_is_asked(
    daemon: Daemon, make: SamplerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    other = Flask("metadata")
    other.before_request(lambda: asked.append(request.path))
    with closing(Served(other)) as served, daemon.serving() as address:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, served.url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", served.url + "/credentials")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", served.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        assert following(make(address))
    assert asked == []


def test_an_ipv6_daemon_is_reached(make: SamplerMaker) -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        listener.listen()
        listener.settimeout(5)
        sampler = make(("::1", listener.getsockname()[1]))
        sampler.decide(REQUEST)
        connection, _ = listener.accept()
        with closing(connection):
            assert connection.recv(1024).startswith(b"POST /GetSamplingRules ")


def test_requests_meet_whole_rules_while_they_are_replaced(make: SamplerMaker) -> None:
    many = [rule(f"r{number:03}", Priority=200 + number, FixedRate=0.25) for number in range(100)]
    daemon = Daemon(rules=[*many, rule("first", Priority=1, FixedRate=0.5, ReservoirSize=0)])
    wrong: list[object] = []
    with daemon.serving() as address:
        sampler = make(address, QUICK._replace(targets=0.0, rules=0.0), draw=lambda: 0.0)
        assert following(sampler)
        over = time.monotonic() + 1.5

        def hammer() -> None:
            while time.monotonic() < over:
                try:
                    decision = sampler.decide(REQUEST)
                except Exception as error:  # noqa: BLE001 - whatever it is, it would have failed the request
                    wrong.append(error)
                else:
                    if decision.rate != 2:
                        wrong.append(decision)

        threads = [threading.Thread(target=hammer) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert daemon.asked.count("/GetSamplingRules") > 10
    assert wrong == []


def daemon_settings(observatory: Observatory, address: tuple[str, int], rate: float) -> dict[str, str]:
    udp = observatory.xray["AWS_XRAY_DAEMON_ADDRESS"]
    return {
        **observatory.honeycomb,
        "LOG_CONSOLE": "false",
        "AWS_XRAY_DAEMON_ADDRESS": f"tcp:{address[0]}:{address[1]} udp:{udp}",
        "XRAY_SAMPLING_RULE": f'{{"RuleName":"local","FixedRate":{rate},"ReservoirSize":0}}',
    }


def test_two_apps_in_one_process_follow_their_own_rules(make_app: AppMaker, observatory: Observatory) -> None:
    all_of_them, none_of_them = Daemon(rules=[rule(FixedRate=1.0)]), Daemon(rules=[rule(FixedRate=0.0)])
    with all_of_them.serving() as first, none_of_them.serving() as second:
        seen, unseen = (
            make_app(daemon_settings(observatory, address, rate)) for address, rate in ((first, 0), (second, 1))
        )
        assert not ask(seen).sampled
        assert ask(unseen).sampled
        assert until(lambda: ask(seen).sampled)
        assert until(lambda: not ask(unseen).sampled)
        assert telemetry_of(seen).flush(5)
        assert telemetry_of(unseen).flush(5)


def test_the_apps_own_polling_leaves_no_span_and_no_line(
    make_app: AppMaker, observatory: Observatory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    daemon = Daemon(rules=[rule(FixedRate=1.0)])
    with daemon.serving() as address:
        app = make_app(daemon_settings(observatory, address, 0))
        assert until(lambda: ask(app).sampled)
        assert telemetry_of(app).flush(5)
        assert until(lambda: observatory.segments)
    assert {segment["http"]["request"]["url"] for segment in observatory.segments} == {
        "http://localhost/api/health-check"
    }
    assert beside_the_access_line(caplog) == []


def test_it_follows_a_rule_through_the_stand_in_daemon_of_the_emulated_xray(make: SamplerMaker) -> None:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    credentials = Credentials("local-fake-key", "local-fake-secret")
    with ExitStack() as stack:
        process = stack.enter_context(start(port))
        stack.callback(process.terminate)
        wait_until_ready(process, endpoint)
        relay = stack.enter_context(
            closing(XRayDaemon(port=free_port(), endpoint=endpoint, region="us-east-1", credentials=credentials))
        )
        xray = boto3.client(
            "xray",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
        )
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
        patient = QUICK._replace(targets=0.2, time_limit=10.0)
        sampler = make(("127.0.0.1", int(relay.url.rpartition(":")[2])), patient, draw=lambda: 0.0)
        assert following(sampler)
        assert until(lambda: [sampler.decide(REQUEST).rate for _ in range(4)].count(1) == 2), "the quota of 2 a second"
        xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Cruddur", "FixedRate": 0.25, "ReservoirSize": 0})
        assert until(lambda: sampler.decide(REQUEST).rate == 4)
