"""What answers at the URL is not the service."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH, TRACE_ID_HEADER
from operations.diagnosis.cause import EVERYTHING, Cause, Diagnosis
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Response without an id",
    meaning="{request} answered {status} without {header}{server}, and {path} is no health check of"
    " the runtime: another service answers at that URL",
    remedy="Check the domain's record and the load balancer's listener rules: they do not lead to {service}. If it is"
    " the service, start its image by flask_onetrace.wsgi, or set `runtime = false` in onetrace.toml (docs/adopt.md)",
    evidence="no response has the header `X-Trace-Id`, and `/_onetrace/health` is no health check",
    example={
        "request": "GET https://shop.example.com/",
        "status": "200",
        "header": "X-Trace-Id",
        "server": " (Server: nginx)",
        "path": "/_onetrace/health",
        "service": "shop-dev",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where there are responses, none of them has an id, and the health check is not the runtime's."""
    observed = evidence.observed
    answered = [each for each in observed.exchanges if each.status is not None]
    if not answered or observed.health is not None or any(each.trace_id for each in answered):
        return
    first = answered[0]
    server = first.headers.get("server", "")
    yield CAUSE.diagnosis(
        EVERYTHING,
        request=f"{first.method} {observed.url.rstrip('/')}{first.path}",
        status=first.status,
        header=TRACE_ID_HEADER,
        server=f" (Server: {server})" if server else "",
        path=RUNTIME_HEALTH_CHECK_PATH,
        service=evidence.deployment.names.application.service_name if evidence.deployment else "the service",
    )
