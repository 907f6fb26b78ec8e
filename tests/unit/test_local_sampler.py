"""The local sampler keeps what the rule says, and says how many each kept request stands for."""

from __future__ import annotations

import os
import random
import signal
import warnings
from dataclasses import replace

import pytest

from service.telemetry.config import SamplingRule
from service.telemetry.sampling.rule import RESERVOIR_HIT, Decision, LocalSampler, SamplingRequest

REQUEST = SamplingRequest(service="Backend-Flask", host="example.com", method="GET", path="/api/activities/home")


def sampler(clock: list[float], draws: random.Random, **rule: object) -> LocalSampler:
    given = {"name": "test", "fixed_rate": 0.0, "reservoir_size": 0, **rule}
    return LocalSampler(
        SamplingRule(**given),  # type: ignore[arg-type]  # the tests' own keywords
        clock=lambda: clock[0],
        draw=draws.random,
    )


def test_the_reservoir_refills_each_second_at_a_sample_rate_of_one() -> None:
    clock = [100.0]
    made = sampler(clock, random.Random(1), reservoir_size=2)
    first = [made.decide(REQUEST) for _ in range(5)]
    clock[0] = 101.0
    second = [made.decide(REQUEST) for _ in range(5)]
    kept, dropped = Decision(sampled=True, rate=1), Decision(sampled=False, rate=0)
    assert first == second == [kept, kept, dropped, dropped, dropped]


def test_the_fixed_rate_samples_its_share_at_the_inverse_sample_rate() -> None:
    made = sampler([0.0], random.Random(7), fixed_rate=0.1)
    decisions = [made.decide(REQUEST) for _ in range(5000)]
    kept = [decision for decision in decisions if decision.sampled]
    assert 400 < len(kept) < 600
    assert {decision.rate for decision in kept} == {10}


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
    made = sampler([0.0], random.Random(1), fixed_rate=0.99, reservoir_size=9, **rule)
    assert not any(made.decide(REQUEST).sampled for _ in range(20))


def share(hint: bool | None, requests: int = 20_000) -> float:  # noqa: FBT001 - the hint is the case
    """The share of a flood within one second that is sampled by a rule of a tenth and five a second."""
    made = sampler([0.0], random.Random(3), fixed_rate=0.1, reservoir_size=5)
    question = replace(REQUEST, hint=hint)
    return sum(made.decide(question).sampled for _ in range(requests)) / requests


def test_sampled_flags_do_not_raise_the_sampled_share() -> None:
    assert share(hint=True) == share(hint=None)
    assert 0.09 < share(hint=True) < 0.11


def test_with_unsampled_flags_only_the_reservoir_samples() -> None:
    assert share(hint=False) == 5 / 20_000


@pytest.mark.parametrize("rule", [{"host": "*.internal"}, {"http_method": "POST"}, {"url_path": "/api/health-check"}])
def test_a_field_missing_from_the_request_matches_every_pattern(rule: dict[str, str]) -> None:
    made = sampler([0.0], random.Random(1), fixed_rate=1.0, **rule)
    assert made.decide(SamplingRequest(service="Backend-Flask")).sampled


def test_patterns_ignore_case() -> None:
    made = sampler([0.0], random.Random(1), fixed_rate=1.0, host="EXAMPLE.???", http_method="get", url_path="/API/*")
    assert made.decide(REQUEST).sampled


def test_a_forked_worker_has_its_own_reservoir_even_if_the_lock_was_held() -> None:
    made = sampler([0.0], random.Random(1), reservoir_size=1)
    assert made.decide(REQUEST) == RESERVOIR_HIT
    with made._lock, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what this test is about: forking with threads
        child = os.fork()
        if child == 0:
            signal.alarm(5)  # a lock held for ever ends it
            os._exit(0 if made.decide(REQUEST) == RESERVOIR_HIT else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert not made.decide(REQUEST).sampled


def test_seeding_the_random_module_does_not_repeat_decisions() -> None:
    made = LocalSampler(SamplingRule(name="half", fixed_rate=0.5, reservoir_size=0))
    seen = set()
    for _ in range(64):
        random.seed(1)
        seen.add(made.decide(REQUEST).sampled)
    assert seen == {True, False}
