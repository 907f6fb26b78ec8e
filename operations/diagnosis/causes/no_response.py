"""Nothing answers at the URL."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import EVERYTHING, Cause, Diagnosis
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="No response",
    meaning="Nothing answers at {url}: {error}",
    remedy="Check the domain's record and certificate, and the load balancer's listeners and security group{record}",
    evidence="requests fail before there is a status: name resolution, connection, TLS, or a timeout",
    example={
        "url": "https://shop.example.com",
        "error": "ConnectionError: Name or service not known",
        "record": "; the domain has to lead to shop-dev-1234567890.eu-central-1.elb.amazonaws.com",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where no request got a response."""
    exchanges = evidence.observed.exchanges
    if exchanges and all(each.status is None for each in exchanges):
        name = evidence.output("LoadBalancerDnsName")
        yield CAUSE.diagnosis(
            EVERYTHING,
            url=evidence.observed.url,
            error=exchanges[0].error,
            record=f"; the domain has to lead to {name}" if name else "",
        )
