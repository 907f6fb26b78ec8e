"""The requests that are compared, and beside each one what ours records otherwise than the stock one, and why."""

from __future__ import annotations

import socket
from importlib.metadata import version
from typing import NamedTuple

from tests.telemetry.parity.compare import ABSENT, Differs
from tests.telemetry.parity.routes import Ask

Differences = dict[str, Differs]


class Case(NamedTuple):
    ask: Ask
    size: int
    """The bytes of the body."""
    span: Differences = {}  # noqa: RUF012 - never changed
    segment: Differences = {}  # noqa: RUF012 - never changed


CONTENT_LENGTH = "http/response/content_length"
SEGMENT_EVERYWHERE: Differences = {
    "in_progress": Differs(stock=False, ours=ABSENT, why="documents are only sent of what has ended"),
    "origin": Differs(ABSENT, "AWS::ECS::Fargate", "the console shows what the service runs on"),
    "service/version": Differs(ABSENT, "1.2.3", "the console shows the deployed version"),
    "aws/ecs/container": Differs(ABSENT, socket.gethostname(), "the console shows the task"),
    "aws/xray/sdk": Differs("X-Ray for Python", "opentelemetry for python", "the one tracer is OpenTelemetry's"),
    "aws/xray/sdk_version": Differs(version("aws-xray-sdk"), version("opentelemetry-sdk"), "the same"),
}


def span_everywhere(case: Case) -> Differences:
    return {
        "attributes/http.response.body.size": Differs(
            ABSENT, case.size, "optional in the conventions; the segment's content_length is made from it"
        )
    }


CASES = {
    "200": Case(Ask("/ok"), size=2),
    "404 by abort": Case(Ask("/status/404"), size=207),
    "422": Case(Ask("/status/422"), size=190),
    "429": Case(Ask("/status/429"), size=169),
    "500 by abort": Case(Ask("/status/500"), size=265),
    "500 with exception": Case(
        Ask("/boom"),
        size=265,
        span={"attributes/error.type": Differs("500", "BoomError", "the conventions: the exception's, where one is")},
        segment={
            "cause/exceptions/0/stack": Differs(
                "main", "_boom", "stock is where Flask ends the request, not the error"
            ),
            "cause/exceptions/0/remote": Differs(stock=False, ours=ABSENT, why="what the API takes an absent one for"),
        },
    ),
    "streamed": Case(
        Ask("/streamed"),
        size=7,
        segment={CONTENT_LENGTH: Differs(ABSENT, 7, "counted as it goes out; stock knows the header alone")},
    ),
    "query": Case(Ask("/ok?q=a%20b&c=1"), size=2),
    "HEAD": Case(
        Ask("/ok", method="HEAD"), size=0, segment={CONTENT_LENGTH: Differs(2, 0, "a HEAD's answer has no body")}
    ),
    "unmatched": Case(
        Ask("/nope/17"),
        size=207,
        span={"name": Differs("GET /nope/17", "GET", "the conventions: names must stay few, a stranger's path is not")},
    ),
    "unknown method": Case(Ask("/ok", method="PURGE"), size=153),
    "@handle": Case(
        Ask("/api/activities/@andr%C3%A9"),
        size=2,
        span={
            "attributes/url.path": Differs(
                "/api/activities/@andrÃ©", "/api/activities/@andré", "WSGI's Latin-1 is no text: it is UTF-8"
            )
        },
    ),
    "own port": Case(
        Ask("/ok", headers={"Host": "cruddur.example:8080"}, environ={"SERVER_PORT": "8080"}),
        size=2,
        span={
            "attributes/server.address": Differs(
                "cruddur.example:8080", "cruddur.example", "the conventions: the port is an attribute of its own"
            )
        },
    ),
    "behind the load balancer": Case(
        Ask(
            "/ok",
            headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"},
            environ={"SERVER_PORT": "4567", "wsgi.url_scheme": "https"},
        ),
        size=2,
        span={
            "attributes/server.port": Differs(4567, 443, "the port that the client asked for, not the container's"),
            "attributes/client.address": Differs("192.0.2.10", "203.0.113.7", "stock has the load balancer's"),
            "attributes/client.port": Differs(40123, ABSENT, "the load balancer's too; the client's is not known"),
        },
        segment={
            "http/request/client_ip": Differs(
                "198.51.100.1, 203.0.113.7", "203.0.113.7", "only the last is the load balancer's own word"
            )
        },
    ),
}

GUARDED = Case(Ask("/ok", headers={"Refuse": "yes"}), size=12)
"""Answered by a `before_request` that was there before the instrumentation."""
