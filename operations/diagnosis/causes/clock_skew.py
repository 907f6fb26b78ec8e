"""A clock is wrong: this machine's, or that of the task."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sinks import KEYS

CAUSE = Cause(
    title="Clock skew",
    meaning="The clock of {whose} is {seconds:.0f} s {direction} that of AWS: {effect}",
    remedy="{remedy}",
    general_remedy="Synchronize the clock of this machine (timedatectl, chronyc); remove what sets that of the task,"
    " which is AWS's own on AWS Fargate",
    evidence="the `Date` header of AWS's responses beside the time of this machine, and the start of a segment beside"
    " the time at which its request was sent",
    example={
        "whose": "this machine",
        "seconds": 90,
        "direction": "behind",
        "effect": "spans, segments and log lines have wrong times, so that they are looked for in the wrong period",
    },
)
TOLERANCE = 30.0
"""Seconds. `Date` has whole ones, and a request takes some."""
SIGNATURE = 300.0
"""Seconds from which on AWS rejects signatures, and readers look into the wrong period ("Elements of an AWS API request
signature", IAM User Guide)."""


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each clock that is wrong. One that is wrong by minutes explains whatever is missing."""
    for whose, skew, remedy in (
        ("this machine", evidence.clocks.machine, "Synchronize the clock of this machine (timedatectl, chronyc)"),
        ("the task", evidence.clocks.task, "Remove what sets the task's clock: on AWS Fargate it is AWS's own"),
    ):
        if skew is None or abs(skew) < TOLERANCE:
            continue
        explains = {Symptom.CLOCK} | (_lost(evidence) if abs(skew) >= SIGNATURE else set())
        effect = "spans, segments and log lines have wrong times, so that they are looked for in the wrong period"
        if abs(skew) >= SIGNATURE:
            effect += ", and AWS rejects what is signed with such a time"
        yield CAUSE.diagnosis(
            explains,
            whose=whose,
            seconds=abs(skew),
            direction="ahead of" if skew > 0 else "behind",
            effect=effect,
            remedy=remedy,
        )


def _lost(evidence: Evidence) -> set[Symptom]:
    """Return what is missing by a wrong time: not where a vendor gave another reason."""
    reported = {key.symptom for sink, key in KEYS.items() if evidence.report(sink) is not None}
    return set(evidence.symptoms - reported)
