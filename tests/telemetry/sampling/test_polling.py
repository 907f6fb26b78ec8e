"""The daemon is polled from one thread, whatever it does, and the local rule decides while it is away."""

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

from local.standins.server import Served
from service.telemetry.sampling.remote import PollingIntervals
from tests.local.emulator.conftest import free_port
from tests.telemetry.sampling.fake_daemon import Daemon
from tests.telemetry.sampling.samplers import LOCAL, QUICK, REQUEST, SamplerMaker, following, half, polling
from tests.telemetry.tracing import until

pytestmark = pytest.mark.usefixtures("socket_enabled")


def test_when_the_daemon_is_gone_the_local_rule_decides_and_it_is_said_once(
    daemon: Daemon, make_sampler: SamplerMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        assert following(sampler)
    assert until(lambda: sampler.decide(REQUEST) == LOCAL)
    time.sleep(0.5)  # some ten more attempts fail
    with daemon.serving(address[1]):
        assert until(lambda: half(sampler))
    assert until(lambda: sampler.decide(REQUEST) == LOCAL)
    [line] = caplog.records
    assert line.levelname == "WARNING"
    assert f"127.0.0.1:{address[1]}" in line.getMessage()


def test_a_single_failure_changes_nothing(
    daemon: Daemon, make_sampler: SamplerMaker, caplog: pytest.LogCaptureFixture
) -> None:
    with daemon.serving() as address:
        sampler = make_sampler(address, QUICK._replace(retry=0.3, max_retry=0.3), draw=lambda: 0.0)
        assert following(sampler)
        daemon.status, before = 503, len(daemon.asked)
        assert until(lambda: half(sampler) and len(daemon.asked) > before)
        daemon.status = 200
        for _ in range(50):
            assert half(sampler)
            time.sleep(0.01)
    assert caplog.records == []


@pytest.mark.parametrize("status", [403, 429, 500])
def test_an_xray_that_refuses_is_not_hammered(daemon: Daemon, make_sampler: SamplerMaker, status: int) -> None:
    daemon.status = status
    with daemon.serving() as address:
        sampler = make_sampler(address, QUICK._replace(retry=0.05, max_retry=10.0))
        sampler.decide(REQUEST)
        time.sleep(1.2)
        assert sampler.decide(REQUEST) == LOCAL
        assert 3 <= len(daemon.asked) <= 6  # at 0, 0.05, 0.15, 0.35, 0.75 s


def test_a_daemon_that_starts_late_is_found_within_seconds(daemon: Daemon, make_sampler: SamplerMaker) -> None:
    port = free_port()
    sampler = make_sampler(("127.0.0.1", port), PollingIntervals(), draw=lambda: 0.0)
    sampler.decide(REQUEST)
    time.sleep(0.7)  # the first attempt has failed
    with daemon.serving(port):
        begun = time.monotonic()
        assert until(lambda: half(sampler), seconds=8)
        assert time.monotonic() - begun < 4


def test_a_forked_worker_polls_anew_even_if_a_lock_was_held(daemon: Daemon, make_sampler: SamplerMaker) -> None:
    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
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


def test_close_ends_the_polling_and_none_begins_later(daemon: Daemon, make_sampler: SamplerMaker) -> None:
    before = polling()
    with daemon.serving() as address:
        sampler, never = make_sampler(address), make_sampler(address)
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
    daemon: Daemon, make_sampler: SamplerMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with daemon.serving() as address:
        sampler = make_sampler(address, draw=lambda: 0.0)
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refuse)
            assert sampler.decide(REQUEST) == LOCAL
        assert until(lambda: half(sampler))


def test_neither_a_proxy_nor_a_metadata_service_is_asked(
    daemon: Daemon, make_sampler: SamplerMaker, monkeypatch: pytest.MonkeyPatch
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
        assert following(make_sampler(address))
    assert asked == []


def test_an_ipv6_daemon_is_reached(make_sampler: SamplerMaker) -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            pytest.skip("no IPv6 here")
        listener.listen()
        listener.settimeout(5)
        sampler = make_sampler(("::1", listener.getsockname()[1]))
        sampler.decide(REQUEST)
        connection, _ = listener.accept()
        with closing(connection):
            assert connection.recv(1024).startswith(b"POST /GetSamplingRules ")
