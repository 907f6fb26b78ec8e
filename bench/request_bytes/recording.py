"""Read what each sink received while requests were sent: log events, spans, documents, and the exporters' requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import orjson

from bench.testbed.service_process import ROOT
from bench.testbed.sinks import Sinks

_PUT_LOG_EVENTS = "PutLogEvents"
_KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUSES = ("UNSET", "OK", "ERROR")
"""The names of OTLP's numbers (`SpanKind` and `StatusCode`, OpenTelemetry Protocol)."""
_IMAGE = b"/app"
"""Where the service's image has the code, and its packages in a virtual environment (service/Dockerfile)."""
_PACKAGES = re.compile(rb'/[^"\\\s]*/lib/(python3\.\d+/site-packages/)')


@dataclass(frozen=True, slots=True)
class Post:
    """A request of an exporter."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def wire(self) -> int:
        """Its bytes: the request line, the headers, and the body in the length that was sent."""
        line = len(f"POST {self.path} HTTP/1.1\r\n")
        headers = sum(len(name) + len(value) + 4 for name, value in self.headers.items())
        other_paths = len(self.body) - len(_as_in_image(self.body))
        return line + headers + 2 + int(self.headers.get("content-length", 0)) - other_paths

    @property
    def action(self) -> str:
        """The AWS action, empty for a request to another API."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def document(self) -> Any:  # noqa: ANN401 - a JSON document
        """The decoded body."""
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Recording:
    """What arrived at the sinks; `after - before` is what arrived between two recordings."""

    posts: dict[str, list[Post]]
    datagrams: list[bytes]

    @classmethod
    def of(cls, sinks: Sinks) -> Self:
        """Return all that arrived so far at `sinks`, which have to keep it."""
        posts = {name: [Post(*each) for each in [*(server.exchanges or ())]] for name, server in sinks.servers.items()}
        return cls(posts, [*(sinks.daemon.datagrams or ())])

    def __sub__(self, before: Recording) -> Recording:
        posts = {name: posts[len(before.posts[name]) :] for name, posts in self.posts.items()}
        return Recording(posts, self.datagrams[len(before.datagrams) :])

    @property
    def log_requests(self) -> list[Post]:
        """The PutLogEvents requests, without those that create a stream."""
        return [each for each in self.posts["cloudwatch"] if each.action == _PUT_LOG_EVENTS]

    def messages(self) -> list[bytes]:
        """Return the log events' messages in UTF-8, with the paths of a traceback as in the image."""
        events = [event for post in self.log_requests for event in post.document["logEvents"]]
        return [_as_in_image(event["message"].encode()) for event in events]

    def documents(self) -> list[bytes]:
        """Return the documents of segments, without the line that the daemon expects before each."""
        return [datagram.partition(b"\n")[2] for datagram in self.datagrams]

    def spans(self) -> Iterator[dict[str, Any]]:
        """Yield the spans as Transaction Search stores them, in `aws/spans`.

        X-Ray converts segments to OpenTelemetry's conventions before it stores them ("Transaction Search", Amazon
        CloudWatch User Guide), a segment and each of its subsegments to a span. What it makes of each field is not
        published, so these are the spans that the service exports itself, which say the same, in the form of
        "Understanding input spans" (Amazon Bedrock AgentCore Developer Guide): resource and scope in each of them,
        attributes as an object, kind and status by name.
        """
        for post in self.posts["honeycomb"]:
            for resource_spans in post.document["resourceSpans"]:
                resource = {"attributes": _plain(resource_spans["resource"])}
                for scope_spans in resource_spans["scopeSpans"]:
                    for span in scope_spans["spans"]:
                        yield _stored(span, resource, scope_spans["scope"])


def _as_in_image(text: bytes) -> bytes:
    """Return JSON with the paths that the image has: a checkout's may be longer, in each frame of a traceback."""
    return _PACKAGES.sub(_IMAGE + rb"/venv/lib/\1", text).replace(str(ROOT).encode(), _IMAGE)


def _stored(span: dict[str, Any], resource: dict[str, Any], scope: dict[str, Any]) -> dict[str, Any]:
    start, end = (int(span[name]) for name in ("startTimeUnixNano", "endTimeUnixNano"))
    return {
        "resource": resource,
        "scope": scope,
        **span,
        "kind": _KINDS[span["kind"]],
        "startTimeUnixNano": start,
        "endTimeUnixNano": end,
        "durationNano": end - start,
        "attributes": _plain(span),
        "status": {**span["status"], "code": _STATUSES[span["status"]["code"]]},
    }


def _plain(owner: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: _value(each["value"]) for each in owner.get("attributes", ())}


def _value(value: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    [(kind, plain)] = value.items()
    return int(plain) if kind == "intValue" else plain
