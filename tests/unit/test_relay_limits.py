"""The relay's limiter keeps no more clients than its bound, and its limit of all clients outlasts them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from flask_onetrace.relay.limits import CLIENT_UNITS, MAX_CLIENTS, SERVICE_UNITS, RelayLimiter, client_key, units_of

CLIENT = client_key("203.0.113.9")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:db8::1", "[2001:db8::2]:443"),
        ("fe80::1%eth0", "fe80::2"),
        ("203.0.113.9", "203.0.113.9:51000"),
        ("203.0.113.9", "::ffff:203.0.113.9"),
        ("unknown", ""),
        ("[", "1:2"),
    ],
)
def test_addresses_of_one_client_have_one_key(one: str, other: str) -> None:
    assert client_key(one) == client_key(other)


def test_addresses_of_other_clients_have_other_keys() -> None:
    addresses = ["203.0.113.9", "203.0.113.10", "2001:db8::1", "2001:db8:0:1::1", "unknown"]
    assert len({client_key(each) for each in addresses}) == len(addresses)


def test_a_million_addresses_grow_no_table_and_share_the_limit_of_all() -> None:
    clock = Clock()
    limiter = RelayLimiter(1, 512, clock)
    rng = random.Random(2026)
    accepted = 0
    for _ in range(20_000):
        client = rng.randbytes(8)
        if limiter.take_request(client) and limiter.take(client, 1) is None:
            accepted += 1
    assert accepted == SERVICE_UNITS
    assert len(limiter._clients) == MAX_CLIENTS


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_limits_of_all_workers_together_are_those_of_the_service(workers: int) -> None:
    clock = Clock()
    limiters = [RelayLimiter(workers, 1, clock) for _ in range(workers)]
    for limiter in limiters:  # spend the bursts
        while limiter.take(CLIENT, 1) is None:
            pass
    taken = 0
    for _ in range(600):
        clock.now += 0.1
        taken += sum(limiter.take(CLIENT, 1) is None for limiter in limiters for _ in range(10))
    assert taken == pytest.approx(CLIENT_UNITS, rel=0.02)


def test_a_full_request_passes_however_many_workers_share_the_limit() -> None:
    limiter = RelayLimiter(64, 513, Clock())
    assert limiter.take_request(CLIENT)
    assert limiter.take(CLIENT, 512) is None
    assert limiter.take(CLIENT, 512) == "client"


def test_what_a_body_holds_is_charged() -> None:
    assert [units_of(100, 5), units_of(64 * 1024, 5), units_of(100, 6400)] == [1, 65, 101]


def test_docs_security_states_what_an_attacker_can_cost_in_dollars_a_day() -> None:
    events = SERVICE_UNITS * 60 * 24
    dollars = events / 100e6 * 130
    page = Path("docs/security.md").read_text(encoding="utf-8")
    assert f"{events / 1e6:.2f} million events a day and task, ${dollars:.2f}" in page
