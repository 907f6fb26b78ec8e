"""A fake of the X-Ray daemon's HTTP proxy: the two sampling calls, and faults to inject."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, request

from local.fakes.server import LocalServer

Document = dict[str, Any]


def rule(name: str = "all", **fields: object) -> Document:
    """Return a rule as GetSamplingRules returns it; by default it matches every request."""
    return {
        "RuleName": name,
        "RuleARN": f"arn:aws:xray:us-east-1:000000000000:sampling-rule/{name}",
        "ResourceARN": "*",
        "Priority": 100,
        "FixedRate": 0.0,
        "ReservoirSize": 0,
        "ServiceName": "*",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "Version": 1,
        "Attributes": {},
        **fields,
    }


@dataclass
class FakeDaemon:
    """A configurable daemon. `paths` and `reports` record the requests; a cleared `gate` makes it hang."""

    rules: list[Document] = field(default_factory=list)
    targets: dict[str, Document] = field(default_factory=dict)
    last_modification: float = 0
    status: int = 200
    paths: list[str] = field(default_factory=list)
    reports: list[Document] = field(default_factory=list)
    boost_reports: list[Document] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def app(self) -> Flask:
        app = Flask("sampling-daemon")
        app.before_request(self._inject_fault)
        app.post("/GetSamplingRules")(self._get_rules)
        app.post("/SamplingTargets")(self._get_targets)
        return app

    def _inject_fault(self) -> tuple[Document, int] | None:
        self.paths.append(request.path)
        self.gate.wait(10)
        return ({"message": "trouble"}, self.status) if self.status != 200 else None

    def _get_rules(self) -> Document:
        records = [{"SamplingRule": each, "CreatedAt": 0, "ModifiedAt": 0} for each in self.rules]
        return {"SamplingRuleRecords": records}

    def _get_targets(self) -> Document:
        body = request.get_json(force=True)
        statistics = body["SamplingStatisticsDocuments"]
        self.reports += statistics
        self.boost_reports += body.get("SamplingBoostStatisticsDocuments", [])
        documents = [
            {"RuleName": name, "Interval": 10, "ReservoirQuotaTTL": time.time() + 3600, **self.targets[name]}
            for name in (each["RuleName"] for each in statistics)
            if name in self.targets
        ]
        return {
            "SamplingTargetDocuments": documents,
            "LastRuleModification": self.last_modification,
            "UnprocessedStatistics": [],
        }

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[tuple[str, int]]:
        with closing(LocalServer(self.app(), port)) as served:
            try:
                yield "127.0.0.1", served.port
            finally:
                self.gate.set()

    def reported_totals(self, name: str) -> tuple[int, int, int]:
        """Return the reported counts of requests, borrowed and sampled ones for the rule `name`."""
        reports = [each for each in list(self.reports) if each["RuleName"] == name]
        requests, borrowed, sampled = (
            sum(each[f"{kind}Count"] for each in reports) for kind in ("Request", "Borrow", "Sampled")
        )
        return requests, borrowed, sampled
