"""`LocalSampler`: reservoir, fixed rate, rule matching and forks."""

from __future__ import annotations

import os
import random
import signal
import warnings
from dataclasses import replace

import pytest

from flask_onetrace.telemetry.config import SamplingRule
from flask_onetrace.telemetry.sampling.rule import NOT_SAMPLED, RESERVOIR_HIT, LocalSampler, SamplingRequest

REQUEST = SamplingRequest(service="Backend-Flask", host="example.com", method="GET", path="/api/activities/home")


def make_sampler(clock: list[float], draws: random.Random, **rule: object) -> LocalSampler:
    fields = {"name": "test", "fixed_rate": 0.0, "reservoir_size": 0, **rule}
    return LocalSampler(
        SamplingRule(**fields),  # type: ignore[arg-type]  # values of several types
        clock=lambda: clock[0],
        draw=draws.random,
    )


def test_the_reservoir_refills_each_second_at_a_sample_rate_of_one() -> None:
    clock = [100.0]
    sampler = make_sampler(clock, random.Random(1), reservoir_size=2)
    first = [sampler.decide(REQUEST) for _ in range(5)]
    clock[0] = 101.0
    second = [sampler.decide(REQUEST) for _ in range(5)]
    hit, miss = RESERVOIR_HIT, NOT_SAMPLED
    assert first == second == [hit, hit, miss, miss, miss]


def test_the_fixed_rate_samples_its_share_at_the_inverse_sample_rate() -> None:
    sampler = make_sampler([0.0], random.Random(7), fixed_rate=0.1)
    decisions = [sampler.decide(REQUEST) for _ in range(5000)]
    sampled = [decision for decision in decisions if decision.sampled]
    assert 400 < len(sampled) < 600
    assert {decision.rate for decision in sampled} == {10}


@pytest.mark.parametrize(
    "rule",
    [
        {"service_name": "Other"},
        {"host": "*.internal"},
        {"http_method": "POST"},
        {"url_path": "/api/health-check"},
    ],
)
def test_a_rule_that_does_not_match_samples_nothing(rule: dict[str, str]) -> None:
    sampler = make_sampler([0.0], random.Random(1), fixed_rate=0.99, reservoir_size=9, **rule)
    assert not any(sampler.decide(REQUEST).sampled for _ in range(20))


def share(hint: bool | None, requests: int = 20_000) -> float:  # noqa: FBT001 - the hint is the case
    """Return the share sampled within one second by a rule with a rate of 0.1 and a reservoir of 5."""
    sampler = make_sampler([0.0], random.Random(3), fixed_rate=0.1, reservoir_size=5)
    request = replace(REQUEST, hint=hint)
    return sum(sampler.decide(request).sampled for _ in range(requests)) / requests


def test_sampled_flags_do_not_raise_the_sampled_share() -> None:
    assert share(hint=True) == share(hint=None)
    assert 0.09 < share(hint=True) < 0.11


def test_with_unsampled_flags_only_the_reservoir_samples() -> None:
    assert share(hint=False) == 5 / 20_000


@pytest.mark.parametrize("rule", [{"host": "*.internal"}, {"http_method": "POST"}, {"url_path": "/api/health-check"}])
def test_a_field_missing_from_the_request_matches_every_pattern(rule: dict[str, str]) -> None:
    sampler = make_sampler([0.0], random.Random(1), fixed_rate=1.0, **rule)
    assert sampler.decide(SamplingRequest(service="Backend-Flask")).sampled


def test_patterns_ignore_case() -> None:
    sampler = make_sampler(
        [0.0], random.Random(1), fixed_rate=1.0, host="EXAMPLE.???", http_method="get", url_path="/API/*"
    )
    assert sampler.decide(REQUEST).sampled


def test_a_forked_worker_has_its_own_reservoir_even_if_the_lock_was_held() -> None:
    sampler = make_sampler([0.0], random.Random(1), reservoir_size=1)
    assert sampler.decide(REQUEST) == RESERVOIR_HIT
    with sampler._lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # this test forks a process with threads on purpose
        child = os.fork()
        if child == 0:
            signal.alarm(5)  # ends a child that deadlocks
            os._exit(0 if sampler.decide(REQUEST) == RESERVOIR_HIT else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not sampler.decide(REQUEST).sampled


def test_seeding_the_random_module_does_not_repeat_decisions() -> None:
    sampler = LocalSampler(SamplingRule(name="half", fixed_rate=0.5, reservoir_size=0))
    outcomes = set()
    for _ in range(64):
        random.seed(1)
        outcomes.add(sampler.decide(REQUEST).sampled)
    assert outcomes == {True, False}
