"""The key is one of the product's other region."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from flask_onetrace.contract import HONEYCOMB_API, Variable
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sinks import KEYS, is_refused
from operations.honeycomb.client import REGIONS

CAUSE = Cause(
    title="Key of another region",
    meaning="Honeycomb rejects HONEYCOMB_API_KEY at {endpoint} ({region}), and the configuration key of this"
    " environment is one of its {other} region, {other_endpoint}",
    remedy="Send to that region: OTEL_EXPORTER_OTLP_ENDPOINT={other_endpoint} in [variables] of onetrace.toml, and"
    " `{deploy}`; or store a key of the {region} region: `{secrets}`",
    evidence="a log line with 401, while `GET /1/auth` accepts the configuration key in the other region",
    example={
        "endpoint": "https://api.honeycomb.io",
        "region": "US",
        "other": "EU",
        "other_endpoint": "https://api.eu1.honeycomb.io",
        "deploy": "make deploy ENV=dev",
        "secrets": "make secrets ENV=dev",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where the key is refused in one region, and the configuration key is accepted in the other only."""
    report = evidence.report("honeycomb") if Symptom.HONEYCOMB in evidence.symptoms else None
    endpoint = evidence.variables.get(Variable.OTEL_EXPORTER_OTLP_ENDPOINT) or HONEYCOMB_API
    host = urlsplit(endpoint).hostname or ""
    if report is None or not is_refused(report) or host not in REGIONS:
        return
    accepted = evidence.honeycomb_hosts
    if accepted and host not in accepted:
        other = accepted[0]
        yield CAUSE.diagnosis(
            [KEYS["honeycomb"].symptom],
            endpoint=f"https://{host}",
            region=REGIONS[host],
            other=REGIONS.get(other, other),
            other_endpoint=f"https://{other}",
            deploy=evidence.command("deploy"),
            secrets=evidence.command("secrets"),
        )
