"""The task cannot connect to a sink's host."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sinks import ENDPOINTS, is_answer

CAUSE = Cause(
    title="Host unreachable from the task",
    meaning="The task gets no response from {place} at {host}: {reason}",
    remedy="Check {variable}, and the task's way out: its subnets' routes (NAT gateway or public address, VPC"
    " endpoints), the outbound rules of its security group, DNS, and a firewall or proxy in between",
    evidence="a log line `has accepted nothing for …, retrying`, in the log group; about CloudWatch itself in the"
    " containers' log group",
    example={
        "place": "Honeycomb",
        "host": "https://api.honeycomb.io",
        "reason": "TimeoutError: timed out",
        "variable": "OTEL_EXPORTER_OTLP_ENDPOINT",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each sink that misses requests and reports that it gets no response."""
    for place, variable in ENDPOINTS.items():
        symptom = Symptom(place.value)
        report = evidence.report(place) if symptom in evidence.symptoms else None
        if report is not None and report.kind == "unreachable" and not is_answer(report):
            yield CAUSE.diagnosis(
                [symptom],
                place=place.label,
                host=evidence.variables.get(variable) or f"the region's endpoint ({variable})",
                reason=report.reason,
                variable=variable,
            )
