from __future__ import annotations

import random

import pytest

from local.emulator.health_check import FAILED, TIMED_OUT, Health, Reason, Settings, mismatch


def settings(healthy: int = 5, unhealthy: int = 2, matcher: str = "200", port: str = "traffic-port") -> Settings:
    return Settings(
        tls=False,
        port=port,
        path="/",
        matcher=matcher,
        interval=30,
        timeout=5,
        healthy_threshold=healthy,
        unhealthy_threshold=unhealthy,
    )


def states(results: str, of: Settings) -> list[str]:
    health = Health()
    observed = []
    for result in results:
        health.record(None if result == "+" else FAILED, of)
        observed.append(health.state[0])
    return observed


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("+", "h"),
        ("-+", "ih"),
        ("--", "iu"),
        ("--++", "iuuu"),
        ("--+++", "iuuuh"),
        ("--++-+++", "iuuuuuuh"),
        ("+-+-+", "hhhhh"),
        ("+--", "hhu"),
        ("+--+++--", "hhuuuhhu"),
    ],
)
def test_a_state_changes_after_as_many_results_as_its_threshold(results: str, expected: str) -> None:
    assert "".join(states(results, settings(healthy=3))) == expected


@pytest.mark.parametrize("seed", range(100))
def test_a_random_run_of_results_has_the_state_of_a_simple_model(seed: int) -> None:
    chosen = random.Random(seed)
    of = settings(healthy=chosen.randint(2, 4), unhealthy=chosen.randint(2, 4))
    results = "".join(chosen.choices("+-", k=40))
    expected, state = [], "i"
    for end in range(1, len(results) + 1):
        seen = results[:end]
        if (state == "i" and seen.endswith("+")) or (state == "u" and seen.endswith("+" * of.healthy_threshold)):
            state = "h"
        elif state != "u" and seen.endswith("-" * of.unhealthy_threshold):
            state = "u"
        expected.append(state)

    assert states(results, of) == expected


def test_the_reason_is_that_of_the_last_failure() -> None:
    health = Health()
    reasons: list[Reason | None] = [health.reason]
    for failure in (FAILED, TIMED_OUT, mismatch(503), None, None):
        health.record(failure, settings(healthy=2))
        reasons.append(health.reason)

    assert [each and (each.code, each.description) for each in reasons] == [
        ("Elb.InitialHealthChecking", "Initial health checks in progress"),
        ("Elb.InitialHealthChecking", "Initial health checks in progress"),
        ("Target.Timeout", "Request timed out"),
        ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
        ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
        None,
    ]


@pytest.mark.parametrize(
    ("matcher", "matching"),
    [("200", [200]), ("200,302", [200, 302]), ("200-299", [200, 201]), ("200-201,302", [200, 201, 302])],
)
def test_a_matcher_names_statuses_and_ranges(matcher: str, matching: list[int]) -> None:
    assert [each for each in (200, 201, 302, 404) if settings(matcher=matcher).matches(each)] == matching


def test_a_port_of_its_own_is_checked_instead_of_the_traffic_port() -> None:
    assert (settings().port_of(8000), settings(port="9000").port_of(8000)) == (8000, 9000)
