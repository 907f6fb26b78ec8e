"""Find the sampling rule that decides for a request, as X-Ray does ("Configuring sampling rules", Developer Guide)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_onetrace.telemetry.sampling.rule import matches
from operations.traces.deployment import Deployment

DEFAULT_RULE = "Default"
"""The name of the account's rule that applies where no other matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One sampling rule (SamplingRule, AWS X-Ray API Reference). `fixed_rate` is from 0 to 1, `reservoir` a second."""

    name: str
    priority: int
    fixed_rate: float
    reservoir: int
    service: str = "*"
    host: str = "*"
    method: str = "*"
    path: str = "*"
    service_type: str = "*"
    attributes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Rule:
        """Return the rule of a SamplingRule's JSON."""
        return cls(
            name=str(document.get("RuleName", "")),
            priority=int(document.get("Priority", 0)),
            fixed_rate=float(document.get("FixedRate", 0.0)),
            reservoir=int(document.get("ReservoirSize", 0)),
            service=str(document.get("ServiceName", "*")),
            host=str(document.get("Host", "*")),
            method=str(document.get("HTTPMethod", "*")),
            path=str(document.get("URLPath", "*")),
            service_type=str(document.get("ServiceType", "*")),
            attributes=document.get("Attributes") or {},
        )

    def __str__(self) -> str:
        """Return the name, the rate and the reservoir in one phrase."""
        return f"{self.name} ({self.fixed_rate * 100:.4g} % of the requests, after the first {self.reservoir} a second)"


def rules(deployment: Deployment) -> Sequence[Rule]:
    """Return the rules in the order in which they are tried. Raises botocore's errors."""
    pages = deployment.aws.xray.get_paginator("get_sampling_rules").paginate()
    records = [record.get("SamplingRule", {}) for page in pages for record in page["SamplingRuleRecords"]]
    return sorted(map(Rule.of, records), key=lambda each: (each.priority, each.name))


def rule_of(ordered: Sequence[Rule], *, service: str, host: str, method: str, path: str) -> Rule | None:
    """Return the first rule that matches a request, None where none does; an empty text matches every pattern."""
    return next(
        (
            rule
            for rule in ordered
            if matches(rule.service, service)
            and matches(rule.host, host)
            and matches(rule.method, method)
            and matches(rule.path, path)
        ),
        None,
    )
