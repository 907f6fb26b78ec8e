"""Another environment's service answers at the URL."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import EVERYTHING, Cause, Diagnosis
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Another environment answers",
    meaning="{url} is answered by the environment {actual!r} instead of {expected!r}",
    remedy="Check the domain's record: it has to lead to the load balancer of {expected}{record}",
    evidence="`environment` in `/_onetrace/health`",
    example={
        "url": "https://shop.example.com",
        "actual": "prod",
        "expected": "dev",
        "record": ", shop-dev-1234567890.eu-central-1.elb.amazonaws.com",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where the health check names another environment."""
    observed = evidence.observed
    actual, expected = (observed.health or {}).get("environment"), observed.expected_environment
    if isinstance(actual, str) and expected and actual != expected:
        name = evidence.output("LoadBalancerDnsName")
        yield CAUSE.diagnosis(
            EVERYTHING, url=observed.url, actual=actual, expected=expected, record=f", {name}" if name else ""
        )
