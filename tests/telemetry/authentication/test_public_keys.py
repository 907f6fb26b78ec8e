"""Keys are bounded in number and time, and fetched at a bounded rate."""

from __future__ import annotations

from collections import Counter
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from flask_onetrace.authentication.errors import KeyUnavailableError
from flask_onetrace.authentication.public_keys import (
    ABSENT_SECONDS,
    EXPIRY_SECONDS,
    MAX_KEYS,
    MAX_UNAVAILABLE,
    REFRESH_SECONDS,
    RETRY_SECONDS,
    PublicKeys,
)

PAUSE = 10.0
"""Seconds in which one more fetch is allowed."""


class Source:
    """Keys that a test adds, removes, or makes unreachable, and its clock."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.fetches: Counter[str] = Counter()
        self.now = 0.0
        self.is_down = False
        self.keys_of = PublicKeys(self.fetch, lambda: self.now)

    def fetch(self, key_id: str) -> Any:  # noqa: ANN401 - any object stands for a key
        self.fetches[key_id] += 1
        if self.is_down:
            raise TimeoutError("no response")
        return self.keys.get(key_id)

    def key(self, key_id: str) -> object:
        """Return the key, None if it is not available, once its fetch has ended."""
        try:
            key: object = self.keys_of.key(key_id, may_fetch=True)
        except KeyUnavailableError:
            key = None
        for fetched in tuple(self.keys_of._fetches.values()):
            assert fetched.wait(5)
        return key


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_key_is_refreshed_in_the_background_and_used_until_then(source: Source) -> None:
    source.keys["a"] = "old"
    assert source.key("a") == "old"
    source.keys["a"] = "new"
    source.now = REFRESH_SECONDS
    assert [source.key("a"), source.key("a")] == ["old", "new"]
    assert source.fetches["a"] == 2


def test_a_withdrawn_key_is_dropped_at_its_refresh(source: Source) -> None:
    source.keys["a"] = "key"
    assert source.key("a") == "key"
    del source.keys["a"]
    source.now = REFRESH_SECONDS
    source.key("a")
    assert source.key("a") is None


def test_in_an_outage_a_key_is_used_until_it_expires(source: Source) -> None:
    source.keys["a"] = "key"
    assert source.key("a") == "key"
    source.is_down = True
    source.now = EXPIRY_SECONDS - 1
    assert source.key("a") == "key"
    source.now = EXPIRY_SECONDS
    assert source.key("a") is None
    source.is_down = False
    source.now += PAUSE
    source.key("a")
    assert source.key("a") == "key"


def test_an_id_that_is_not_there_is_asked_for_again_after_a_while(source: Source) -> None:
    assert [source.key("a") for _ in range(5)] == [None] * 5
    assert source.fetches["a"] == 1
    source.keys["a"] = "key"
    source.now = ABSENT_SECONDS
    assert source.key("a") == "key"


def test_a_failed_fetch_is_retried_and_nobody_waits_meanwhile(source: Source) -> None:
    source.keys["a"], source.is_down = "key", True
    assert source.key("a") is None
    source.is_down = False
    assert source.key("a") is None
    source.now = RETRY_SECONDS
    source.key("a")  # starts the fetch, and need not wait for it
    assert source.key("a") == "key"


def test_random_ids_are_fetched_at_a_bounded_rate_and_remembered_in_bounded_memory(source: Source) -> None:
    source.keys["a"] = "key"
    assert source.key("a") == "key"
    for _ in range(3_000):
        source.now += 1
        assert source.key(str(uuid4())) is None
    assert source.fetches.total() <= 6 + 3_000 / PAUSE
    assert len(source.keys_of._unavailable) <= MAX_UNAVAILABLE
    assert source.key("a") == "key"


def test_the_number_of_keys_is_bounded(source: Source) -> None:
    for number in range(2 * MAX_KEYS):
        source.keys[str(number)] = number
        source.now += PAUSE
        assert source.key(str(number)) == number
    assert len(source.keys_of._keys) == MAX_KEYS


def test_two_keys_are_fetched_at_once_and_no_more() -> None:
    release, started = Event(), Counter[str]()

    def fetch(key_id: str) -> None:
        started[key_id] += 1
        assert release.wait(5)

    keys = PublicKeys(fetch)
    keys._endpoint_responds = False
    for key_id in ("a", "b", "c", "a"):
        with pytest.raises(KeyUnavailableError):
            keys.key(key_id, may_fetch=True)
    running = tuple(keys._fetches.values())
    release.set()
    assert all(each.wait(5) for each in running)
    assert started == {"a": 1, "b": 1}


def test_an_unexpected_error_of_a_fetch_is_logged_and_ends_it(
    source: Source, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(key_id: str) -> None:
        raise RuntimeError(key_id)

    monkeypatch.setattr(source.keys_of, "_fetch", fail)
    assert source.key("a") is None
    assert "public key a could not be read" in caplog.text


def test_a_forked_process_fetches_by_itself(source: Source) -> None:
    source.keys_of._fetches["a"] = Event()
    source.keys_of._lock.acquire()
    source.keys_of._reset()
    source.keys["a"] = "key"
    assert source.key("a") == "key"
