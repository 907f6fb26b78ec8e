"""The attacks' harness: docs/security.md shows every promise, and a promise that is not measured does not hold."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.attacks import catalogue, planted, raw_http, report
from bench.attacks.lab import Lab
from bench.attacks.promise import Promise, Row
from bench.testbed.fake_servers import FakeSink

PROMISES = [promise for name in catalogue.ATTACKS for promise in catalogue.promises(name)]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with ExitStack() as stack:
        yield Lab(stack, short=True)


def test_the_page_shows_every_promise_in_order() -> None:
    assert report.published() == report.expected(PROMISES)


def test_the_page_names_every_attack() -> None:
    page = report.PAGE.read_text(encoding="utf-8")
    assert [name for name in catalogue.ATTACKS if f"`{name}`" not in page] == []


def test_no_promise_is_listed_twice() -> None:
    assert len({*PROMISES}) == len(PROMISES)


def test_publishing_replaces_the_table_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "security.md"
    page.write_text("before\n<!-- attacks -->\nold\n<!-- /attacks -->\nafter\n")
    report.publish([Promise("a | b", "c").row("d", holds=True)], datetime(2026, 11, 28, tzinfo=UTC), page)
    text = page.read_text()
    assert re.fullmatch(r"before\n<!-- attacks -->\n.*\n<!-- /attacks -->\nafter\n", text, re.DOTALL)
    assert "| yes | a / b | c | d |\n" in text
    assert "\nold\n" not in text
    assert report.published(page) == [("a / b", "c")]


def test_promises_that_an_attack_does_not_reach_do_not_hold(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    class Attack:
        PROMISES = (Promise("first", "holds"), Promise("second", "holds"))

        @staticmethod
        def run(_lab: Lab) -> Iterator[Row]:
            yield Attack.PROMISES[0].row("well", holds=True)
            raise RuntimeError("the service did not start")

    monkeypatch.setitem(catalogue.ATTACKS, "broken", Attack)
    first, second = catalogue.run("broken", lab)
    assert (first.holds, second.holds) == (True, False)
    assert second.measured == "not measured: RuntimeError: the service did not start"
    summary = report.summary([first, second], 1.0)
    assert "1 of 2 promises hold" in summary
    assert "second\n    promised: holds\n    measured: not measured" in summary


def test_a_planted_secret_is_found_plain_and_in_a_basic_credential() -> None:
    value = planted.secret("credential headers", "Proxy-Authorization")
    sent = planted.credential("Proxy-Authorization", value)
    expected = {"credential headers": ["Proxy-Authorization"]}
    assert planted.leaked(f'{{"header": "{sent}"}}'.encode()) == expected
    assert planted.leaked(f"deploy:{value}".encode()) == expected
    assert planted.leaked(b"REDACTED") == {}
    assert planted.count() >= 100


@pytest.mark.enable_socket
def test_requests_that_are_sent_together_are_all_answered() -> None:
    server = FakeSink(keeps_bodies=True)
    try:
        requests = [raw_http.request("/api/1/item/", method="POST", body=b"{}")] * 50
        assert raw_http.send_many(server.port, requests, connections=2) == {200: 50}
        assert server.received == 50
    finally:
        server.close()


def test_help_lists_every_attack() -> None:
    command = [sys.executable, "-m", "bench.attacks", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert [name for name in catalogue.ATTACKS if f"  {name} " not in text] == []
