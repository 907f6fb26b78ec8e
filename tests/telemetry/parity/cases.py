"""The compared requests, each with the intended differences from the stock instrumentations and their reasons."""

from __future__ import annotations

import socket
from importlib.metadata import version
from typing import NamedTuple

from tests.telemetry.parity.compare import ABSENT, Difference
from tests.telemetry.parity.routes import RequestSpec

Differences = dict[str, Difference]


class Case(NamedTuple):
    request: RequestSpec
    size: int
    """The bytes of the body."""
    span: Differences = {}  # noqa: RUF012 - never changed
    segment: Differences = {}  # noqa: RUF012 - never changed


CONTENT_LENGTH = "http/response/content_length"
SEGMENT_DIFFERENCES: Differences = {
    "in_progress": Difference(stock=False, ours=ABSENT, why="only ended segments are exported"),
    "origin": Difference(ABSENT, "AWS::ECS::Fargate", "the console shows what the service runs on"),
    "service/version": Difference(ABSENT, "1.2.3", "the console shows the deployed version"),
    "aws/ecs/container": Difference(ABSENT, socket.gethostname(), "the console shows the task"),
    "aws/xray/sdk": Difference("X-Ray for Python", "opentelemetry for python", "the only tracer is OpenTelemetry's"),
    "aws/xray/sdk_version": Difference(version("aws-xray-sdk"), version("opentelemetry-sdk"), "the same"),
}


def span_differences(case: Case) -> Differences:
    return {
        "attributes/http.response.body.size": Difference(
            ABSENT, case.size, "optional in the conventions; the segment's content_length is derived from it"
        )
    }


CASES = {
    "200": Case(RequestSpec("/ok"), size=2),
    "404 by abort": Case(RequestSpec("/status/404"), size=207),
    "422": Case(RequestSpec("/status/422"), size=190),
    "429": Case(RequestSpec("/status/429"), size=169),
    "500 by abort": Case(RequestSpec("/status/500"), size=265),
    "500 with exception": Case(
        RequestSpec("/boom"),
        size=265,
        span={
            "attributes/error.type": Difference(
                "500", "BoomError", "the conventions: the exception's type if there is one"
            )
        },
        segment={
            "cause/exceptions/0/stack": Difference(
                "main", "_boom", "stock points at the end of the request, not at the error"
            ),
            "cause/exceptions/0/remote": Difference(stock=False, ours=ABSENT, why="false is the API's default"),
        },
    ),
    "streamed": Case(
        RequestSpec("/streamed"),
        size=7,
        segment={CONTENT_LENGTH: Difference(ABSENT, 7, "counted while streaming; stock reads only the header")},
    ),
    "query": Case(RequestSpec("/ok?q=a%20b&c=1"), size=2),
    "HEAD": Case(
        RequestSpec("/ok", method="HEAD"),
        size=0,
        segment={CONTENT_LENGTH: Difference(2, 0, "a response to HEAD has no body")},
    ),
    "unmatched": Case(
        RequestSpec("/nope/17"),
        size=207,
        span={"name": Difference("GET /nope/17", "GET", "the conventions: span names have low cardinality")},
    ),
    "unknown method": Case(RequestSpec("/ok", method="PURGE"), size=153),
    "@handle": Case(
        RequestSpec("/api/activities/@andr%C3%A9"),
        size=2,
        span={
            "attributes/url.path": Difference(
                "/api/activities/@andrÃ©",
                "/api/activities/@andré",
                "WSGI's Latin-1 holds UTF-8 bytes: ours decodes them",
            )
        },
    ),
    "own port": Case(
        RequestSpec("/ok", headers={"Host": "cruddur.example:8080"}, environ={"SERVER_PORT": "8080"}),
        size=2,
        span={
            "attributes/server.address": Difference(
                "cruddur.example:8080", "cruddur.example", "the conventions: the port has its own attribute"
            )
        },
    ),
    "behind the load balancer": Case(
        RequestSpec(
            "/ok",
            headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"},
            environ={"SERVER_PORT": "4567", "wsgi.url_scheme": "https"},
        ),
        size=2,
        span={
            "attributes/server.port": Difference(4567, 443, "the port that the client requested, not the container's"),
            "attributes/client.address": Difference(
                "192.0.2.10", "203.0.113.7", "stock records the load balancer's address"
            ),
            "attributes/client.port": Difference(
                40123, ABSENT, "stock records the load balancer's; the client's is unknown"
            ),
        },
        segment={
            "http/request/client_ip": Difference(
                "198.51.100.1, 203.0.113.7", "203.0.113.7", "only the last entry is set by the load balancer"
            )
        },
    ),
}

GUARDED = Case(RequestSpec("/ok", headers={"Refuse": "yes"}), size=12)
"""A request rejected by a `before_request` that was registered before the instrumentation."""
