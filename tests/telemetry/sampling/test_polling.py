"""Polling of the daemon: failures, backoff, forks, shutdown, and the local rule as the fallback."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import warnings
from contextlib import closing

import pytest
from flask import Flask, request

from flask_onetrace.telemetry.sampling.remote import PollingIntervals
from local.fakes.server import LocalServer
from tests.local.emulator.conftest import free_port
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.sampling.fake_daemon import FakeDaemon, rule
from tests.telemetry.sampling.samplers import (
    LOCAL_DECISION,
    QUICK_INTERVALS,
    REQUEST,
    SamplerFactory,
    follows_remote_rules,
    polling_threads,
    samples_half,
)
from tests.telemetry.tracing import get, other_messages, telemetry_of, wait_until

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_the_local_rule_takes_over_when_the_daemon_is_down_and_one_warning_is_logged(
    daemon: FakeDaemon, make_sampler: SamplerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
    assert wait_until(lambda: sampler.decide(REQUEST) == LOCAL_DECISION)
    time.sleep(0.5)  # about ten more attempts fail
    with daemon.serving(address[1]):
        assert wait_until(lambda: samples_half(sampler))
    assert wait_until(lambda: sampler.decide(REQUEST) == LOCAL_DECISION)
    [line] = caplog.records
    assert line.levelname == "WARNING"
    assert f"127.0.0.1:{address[1]}" in line.getMessage()


def test_a_single_failed_poll_keeps_the_remote_rules(
    daemon: FakeDaemon, make_sampler: SamplerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    with daemon.serving() as address:
        sampler = make_sampler(address, QUICK_INTERVALS._replace(retry=0.3, max_retry=0.3), draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        daemon.status, before = 503, len(daemon.paths)
        assert wait_until(lambda: samples_half(sampler) and len(daemon.paths) > before)
        daemon.status = 200
        for _ in range(50):
            assert samples_half(sampler)
            time.sleep(0.01)
    assert caplog.records == []


@pytest.mark.parametrize("status", [403, 429, 500])
def test_polling_backs_off_on_error_responses(daemon: FakeDaemon, make_sampler: SamplerFactory, status: int) -> None:
    daemon.status = status
    with daemon.serving() as address:
        sampler = make_sampler(address, QUICK_INTERVALS._replace(retry=0.05, max_retry=10.0))
        sampler.decide(REQUEST)
        time.sleep(1.2)
        assert sampler.decide(REQUEST) == LOCAL_DECISION
        assert 3 <= len(daemon.paths) <= 6  # at 0, 0.05, 0.15, 0.35, 0.75 s


def test_a_daemon_that_starts_late_is_used_within_seconds(daemon: FakeDaemon, make_sampler: SamplerFactory) -> None:
    port = free_port()
    sampler = make_sampler(("127.0.0.1", port), PollingIntervals(), draw=lambda: 0.0)
    sampler.decide(REQUEST)
    time.sleep(0.7)  # the first attempt has failed
    with daemon.serving(port):
        # The second attempt comes after 2 s; the retries of a daemon that stays away, up to 30 s apart.
        assert wait_until(lambda: samples_half(sampler), seconds=15)


def test_a_forked_worker_restarts_polling_even_if_a_lock_was_held(
    daemon: FakeDaemon, make_sampler: SamplerFactory
) -> None:
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        assert follows_remote_rules(sampler)
        calls = len(daemon.paths)
        with sampler._cache.lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # this test forks a process with threads on purpose
            child = os.fork()
        if child == 0:
            signal.alarm(15)  # ends a child that deadlocks
            try:
                restarted = sampler.source == "local" and sampler.decide(REQUEST) == LOCAL_DECISION
                os._exit(0 if restarted and wait_until(lambda: samples_half(sampler), seconds=8) else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert samples_half(sampler)
        assert len(daemon.paths) > calls


def test_close_stops_polling_and_prevents_a_later_start(daemon: FakeDaemon, make_sampler: SamplerFactory) -> None:
    before = polling_threads()
    with daemon.serving() as address:
        sampler, unstarted = make_sampler(address), make_sampler(address)
        assert follows_remote_rules(sampler)
        [polling] = [thread for thread in polling_threads() if thread not in before]
        sampler.close()
        assert wait_until(lambda: not polling.is_alive())
        calls = len(daemon.paths)
        unstarted.close()
        assert unstarted.decide(REQUEST) == LOCAL_DECISION
        time.sleep(0.2)
        assert len(daemon.paths) == calls


def test_the_local_rule_decides_when_no_thread_can_be_started(
    daemon: FakeDaemon, make_sampler: SamplerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_to_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", fail_to_start)
            assert sampler.decide(REQUEST) == LOCAL_DECISION
        assert wait_until(lambda: samples_half(sampler))


def test_polling_uses_neither_a_proxy_nor_a_metadata_service(
    daemon: FakeDaemon, make_sampler: SamplerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths: list[str] = []
    metadata = Flask("metadata")
    metadata.before_request(lambda: paths.append(request.path))
    with closing(LocalServer(metadata)) as served, daemon.serving() as address:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, served.url)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", served.url + "/credentials")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", served.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        assert follows_remote_rules(make_sampler(address))
    assert paths == []


def test_an_ipv6_daemon_is_reached(make_sampler: SamplerFactory) -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listener.listen()
        listener.settimeout(5)
        sampler = make_sampler(("::1", listener.getsockname()[1]))
        sampler.decide(REQUEST)
        connection, _ = listener.accept()
        with closing(connection):
            assert connection.recv(1024).startswith(b"POST /GetSamplingRules ")


def daemon_settings(backends: FakeBackends, address: tuple[str, int], rate: float) -> dict[str, str]:
    udp = backends.xray["AWS_XRAY_DAEMON_ADDRESS"]
    return {
        **backends.honeycomb,
        "LOG_CONSOLE": "false",
        "AWS_XRAY_DAEMON_ADDRESS": f"tcp:{address[0]}:{address[1]} udp:{udp}",
        "XRAY_SAMPLING_RULE": f'{{"RuleName":"local","FixedRate":{rate},"ReservoirSize":0}}',
    }


def test_two_apps_in_one_process_follow_their_own_rules(make_app: AppFactory, backends: FakeBackends) -> None:
    everything, nothing = FakeDaemon(rules=[rule(FixedRate=1.0)]), FakeDaemon(rules=[rule(FixedRate=0.0)])
    with everything.serving() as first, nothing.serving() as second:
        sampled, unsampled = (
            make_app(daemon_settings(backends, address, rate)) for address, rate in ((first, 0), (second, 1))
        )
        assert not get(sampled).sampled
        assert get(unsampled).sampled
        assert wait_until(lambda: get(sampled).sampled)
        assert wait_until(lambda: not get(unsampled).sampled)
        assert telemetry_of(sampled).flush(5)
        assert telemetry_of(unsampled).flush(5)


def test_polling_produces_no_spans_and_no_log_lines(
    make_app: AppFactory, backends: FakeBackends, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    daemon = FakeDaemon(rules=[rule(FixedRate=1.0)])
    with daemon.serving() as address:
        app = make_app(daemon_settings(backends, address, 0))
        assert wait_until(lambda: get(app).sampled)
        assert telemetry_of(app).flush(5)
        assert wait_until(lambda: backends.segments)
    assert {segment["http"]["request"]["url"] for segment in backends.segments} == {"http://localhost/api/health-check"}
    assert other_messages(caplog) == []
