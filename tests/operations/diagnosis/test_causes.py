"""A healthy deployment has no cause; whatever else could not be read, each broken fact has exactly its own."""

from __future__ import annotations

import os
import random
import re
from dataclasses import replace
from functools import cache
from itertools import combinations

import pytest

from flask_onetrace.telemetry.export import errors, http, outage
from operations.diagnosis import aws
from operations.diagnosis.cause import Diagnosis, Symptom
from operations.diagnosis.causes import ORDER
from operations.diagnosis.diagnosis import diagnose
from operations.diagnosis.evidence import LOOK_BACK
from operations.diagnosis.facts import Group
from operations.traces.document import Place
from tests.operations.diagnosis.evidence import BROKEN, Facts, evidence, healthy, report, rule, task

UNREADABLE: Facts = {
    "service": None,
    "serving": None,
    "declared": None,
    "tasks": (),
    "targets": None,
    "denied": None,
    "reports": (),
    "has_log_lines": False,
    "daemon_output": (),
    "log_groups": None,
    "rules": None,
    "groups": None,
    "destination": None,
    "indexed_percent": None,
}
"""What each fact is to credentials that may not read it."""
SEED = int(os.environ.get("CAUSES_SEED", "1"))


def slugs(facts: Facts) -> list[str]:
    return [each.cause.slug for each in diagnose(evidence(facts))]


def broken(*names: str) -> Facts:
    facts = healthy()
    for name in names:
        BROKEN[name][1](facts)
    return facts


@cache
def explained(name: str) -> frozenset[Symptom]:
    [diagnosis] = diagnose(evidence(broken(name)))
    return diagnosis.explains


NEEDS_ANOTHER_PLACE = {"groups-filter-does-not-match", "key-of-another-environment", "transaction-search-on"}
"""Causes that show only while X-Ray has the traces, or the log group the service's reports; or that explain both."""
REPLACE_TASK_DEFINITION = {name for name in BROKEN if broken(name)["serving"] != healthy()["serving"]}
"""Of two, only one can."""


def harmless(chance: random.Random) -> Facts:
    """Return facts that differ from one healthy deployment to the next."""
    sinks = ("honeycomb", "xray", "cloudwatch", "rollbar")
    facts = healthy()
    for _ in range(chance.randrange(4)):  # what was lost earlier
        reason = chance.choice(["the queue was full", "https://x answered 401: check KEY", "TimeoutError: timed out"])
        report(facts, chance.choice(sinks), chance.choice(["dropped", "unauthorized", "unreachable"]), reason)
    others = [rule(name=f"Other{n}", priority=n, service=f"other-{n}") for n in range(chance.randrange(3))]
    facts["rules"] = [*others, *facts["rules"]]
    facts["tasks"] = [replace(task(), id=f"{number:04x}") for number in range(1 + chance.randrange(3))]
    facts["log_groups"] = [*facts["log_groups"], *(["Shop-dev-other"] * chance.randrange(2))]
    skews = {"machine": chance.uniform(-5, 5), "task": chance.choice([None, chance.uniform(-5, 5)])}
    facts["clocks"] = replace(facts["clocks"], **skews)
    return facts


def test_a_healthy_deployment_has_no_cause() -> None:
    assert slugs(healthy()) == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_fact_is_exactly_its_cause(name: str) -> None:
    slug, break_it = BROKEN[name]
    facts = healthy()
    break_it(facts)
    assert slugs(facts) == [slug]


def test_a_segment_that_is_named_after_its_host_is_in_the_group_by_its_annotation() -> None:
    facts = healthy()
    segment = {"name": "shop.example.com", "annotations": {"service_name": "shop-dev"}}
    arrived = {**facts["observed"].arrived, Place.XRAY: [segment]}
    facts["observed"] = replace(facts["observed"], arrived=arrived)
    expression = '(service("shop-dev") OR annotation.service_name = "shop-dev")'
    facts |= {"groups": [Group(name="Shop-dev", expression=expression)], "group_shows": lambda _: False}
    assert slugs(facts) == []


def test_every_cause_can_be_told_apart() -> None:
    assert {slug for slug, _ in BROKEN.values()} == {each.CAUSE.slug for each in ORDER}


@pytest.mark.parametrize("seed", range(SEED, SEED + 200))
def test_no_healthy_deployment_has_a_cause_whatever_cannot_be_read(seed: int) -> None:
    chance = random.Random(seed)
    unreadable = {name: value for name, value in UNREADABLE.items() if chance.random() < 0.3}
    assert slugs(harmless(chance) | unreadable) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + 200))
def test_two_faults_that_explain_different_things_are_both_named_and_nothing_else(seed: int) -> None:
    parts = {name: explained(name) for name, (slug, _) in BROKEN.items() if slug not in NEEDS_ANOTHER_PLACE}
    pairs = [
        pair
        for pair in combinations(parts, 2)
        if parts[pair[0]].isdisjoint(parts[pair[1]]) and not set(pair) <= REPLACE_TASK_DEFINITION
    ]
    pair = random.Random(seed).choice(pairs)
    assert set(slugs(broken(*pair))) == {BROKEN[name][0] for name in pair}, pair


def test_what_cannot_be_read_makes_no_cause_of_another_place() -> None:
    for name, (slug, _) in BROKEN.items():
        for fact, value in UNREADABLE.items():
            facts = broken(name)
            allowed = explained(name) | {Symptom.GROUP}
            for diagnosis in diagnose(evidence(facts | {fact: value})):
                assert diagnosis.cause.slug == slug or diagnosis.explains <= allowed, (name, fact, diagnosis)


def test_every_sentence_has_its_values_and_names_what_to_do() -> None:
    for name in BROKEN:
        for diagnosis in diagnose(evidence(broken(name))):
            assert_readable(diagnosis)


def assert_readable(diagnosis: Diagnosis) -> None:
    for sentence in (diagnosis.message, diagnosis.remedy):
        assert re.fullmatch(r"[A-Zxmh].*[^.,;: ]", sentence), sentence
        for unwanted in ("{", "  ", " ,", "None", "..", "()", "''"):
            assert unwanted not in sentence.replace('\'{"Probabilistic":{', ""), sentence


def test_an_outage_that_goes_on_has_been_reported_within_the_time_that_is_looked_at() -> None:
    longest_attempt = http._TOTAL_TIMEOUT + errors._MAX_RETRY_AFTER
    minute_until_the_line_can_be_read = 60.0
    assert outage.REPORT_INTERVAL + longest_attempt + minute_until_the_line_can_be_read < LOOK_BACK


def test_the_actions_of_the_daemon_are_those_of_its_role() -> None:
    from infra.xray_sidecar import ACTIONS  # noqa: PLC0415 - it starts the CDK

    assert aws.XRAY_ACTIONS == ACTIONS
