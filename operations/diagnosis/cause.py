"""Describe a cause: the same words are printed by `make verify`, and are its entry in docs/runbook.md."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from operations.deploy.plain_text import one_line
from operations.traces.document import Place

RUNBOOK: Final = "docs/runbook.md"


class Symptom(StrEnum):
    """What a cause explains: a place that misses requests, or something else that is wrong."""

    HONEYCOMB = Place.HONEYCOMB.value
    XRAY = Place.XRAY.value
    CLOUDWATCH = Place.CLOUDWATCH.value
    ROLLBAR = Place.ROLLBAR.value
    RESPONSE = "response"
    """A request is not answered as it has to be."""
    VERSION = "version"
    SAMPLING = "sampling"
    """The share of requests that is sampled is not the rule's."""
    GROUP = "group"
    """X-Ray has the trace, and its group does not show it."""
    CLOCK = "clock"


EVERYTHING: Final = frozenset(Symptom)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause that was found. `message` is one sentence with the values, `remedy` says what to do.

    `is_intended` says that the deployment itself turns the sink off, or has no key for it yet: nothing has failed.
    """

    cause: Cause
    message: str
    remedy: str
    explains: frozenset[Symptom]
    is_intended: bool = False

    def as_json(self) -> dict[str, object]:
        """Return it as JSON's types."""
        return {
            "cause": self.cause.slug,
            "title": self.cause.title,
            "message": self.message,
            "remedy": self.remedy,
            "runbook": self.cause.anchor,
            "explains": sorted(self.explains),
            "is_intended": self.is_intended,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause: `meaning` and `remedy` are templates of `str.format`, `evidence` says where it can be seen.

    `example` has the values of the templates for the runbook, whose remedy is `general_remedy` where that of a
    diagnosis depends on the deployment.
    """

    title: str
    meaning: str
    remedy: str
    evidence: str
    example: Mapping[str, object]
    general_remedy: str = ""

    @property
    def slug(self) -> str:
        """Return the anchor that GitHub gives to a heading with the title."""
        return re.sub(r"[^a-z0-9 -]", "", self.title.lower()).replace(" ", "-")

    @property
    def anchor(self) -> str:
        """Return where the runbook has it."""
        return f"{RUNBOOK}#{self.slug}"

    def diagnosis(self, explains: Collection[Symptom], *, is_intended: bool = False, **values: object) -> Diagnosis:
        """Return the diagnosis with the `values` of the templates."""
        message, remedy = (one_line(template.format(**values)).rstrip(".") for template in (self.meaning, self.remedy))
        return Diagnosis(self, message, remedy, frozenset(explains), is_intended)
