"""Convert the spans of library calls to X-Ray's `sql`, `aws` and `http` blocks, flags and namespace.

The fields are those of the X-Ray SDK's patchers (`ext/dbapi2.py`, `ext/boto_utils.py` with its
`resources/aws_para_whitelist.json`); where the SDK has none, as for `sql` of the stable conventions, those of the
OpenTelemetry Collector's awsxrayexporter (`internal/translator/{segment,sql,aws,http}.go`). Attributes may follow the
stable semantic conventions or those before them. A password is in none of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import orjson
from opentelemetry.trace import SpanKind

from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction.sql import SQL_SYSTEMS
from flask_onetrace.telemetry.sinks.xray.http import NOT_METADATA, OLD_NAMES, flags, http_block
from flask_onetrace.telemetry.sinks.xray.limits import Document, segment_name, short
from flask_onetrace.telemetry.spans.calls import AWS_API, STATEMENTS, SYSTEMS, first_of
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.xray_sdk.attributes import AWS_ATTRIBUTES

_HOSTS = ("server.address", "net.peer.name")
_PORTS = ("server.port", "net.peer.port")
_DATABASES = ("db.namespace", "db.name")
_ENDPOINT = frozenset((*_HOSTS, *_PORTS))
_HTTP_FIELDS = NOT_METADATA.union(OLD_NAMES, _ENDPOINT)
_OTHER_FIELDS = NOT_METADATA - _ENDPOINT
"""Of a call that has no URL: its server is metadata."""
_NAMED = ("db.query.summary", "db.operation.name", "db.operation")
"""Shown by the subsegment's name."""
_SQL_FIELDS = NOT_METADATA | {*_ENDPOINT, *_DATABASES, *SYSTEMS, *STATEMENTS, *_NAMED, "db.user"}
_DATABASE_TYPES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}
"""As the SDK spells them."""
_DRIVERS: Final = {
    f"opentelemetry.instrumentation.{module}": (module, name)
    for module, name in (("psycopg", "Psycopg"), ("psycopg2", "Psycopg"), ("pymysql", "PyMySQL"))
}
_AWS_FIELDS: Final = {
    **{attribute: name for name, attribute in AWS_ATTRIBUTES.items() if name != "operation"},
    "aws.region": "region",
    "aws.requestId": "request_id",
    "retry_attempts": "retries",
    "messaging.url": "queue_url",
    "aws.queue_url": "queue_url",
    **{
        f"aws.dynamodb.{otel}": xray
        for otel, xray in {
            "attributes_to_get": "attributes_to_get",
            "consistent_read": "consistent_read",
            "consumed_capacity": "consumed_capacity",
            "count": "count",
            "exclusive_start_table": "exclusive_start_table_name",
            "index_name": "index_name",
            "limit": "limit",
            "projection": "projection_expression",
            "scan_forward": "scan_index_forward",
            "scanned_count": "scanned_count",
            "segment": "segment",
            "select": "select",
            "table_count": "table_count",
            "table_names": "table_names",
            "total_segments": "total_segments",
        }.items()
    },
}
_NOT_METADATA_OF_AWS = (
    NOT_METADATA.union(_AWS_FIELDS)
    | {*_ENDPOINT, *SYSTEMS, "rpc.system", "rpc.system.name", "rpc.service", "rpc.method", "http.status_code"}
    | {"db.operation", "db.operation.name", "messaging.system", "messaging.destination", "faas.invoked_provider"}
    | {"faas.invoked_region"}
)
_THROTTLING: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Error codes that AWS's SDKs retry as throttling (`botocore/retries/standard.py`)."""


class RemoteCall(NamedTuple):
    """The fields of a call's subsegment, and the attributes that are not repeated as its metadata."""

    document: Document
    not_metadata: frozenset[str]


def remote_call(span: LightSpan) -> RemoteCall:
    """Return the fields of a client or producer span's subsegment."""
    attributes = span.raw_attributes
    if attributes.get("rpc.system", attributes.get("rpc.system.name")) == AWS_API:
        return RemoteCall(_aws_call(span.name, attributes), _NOT_METADATA_OF_AWS)
    named: Document = {"name": segment_name(span.name), "namespace": "remote"}
    system = first_of(attributes, SYSTEMS)
    if system in SQL_SYSTEMS:
        return RemoteCall({**named, "sql": _sql_block(system or "", attributes, span)}, _SQL_FIELDS)
    if system is not None or "messaging.system" in attributes:
        return RemoteCall(named, _OTHER_FIELDS)
    # The service map shows the called service by the subsegment's name: an HTTP call has that of the host.
    if (host := first_of(attributes, _HOSTS) or _host_in_url(attributes)) and not span.keeps_name:
        named["name"] = segment_name(host)
    if span.kind is not SpanKind.CLIENT:
        return RemoteCall(named, _HTTP_FIELDS)
    return RemoteCall(named | http_block(attributes, SpanKind.CLIENT), _HTTP_FIELDS)


def _host_in_url(attributes: Mapping[str, Any]) -> str | None:
    url = first_of(attributes, ("url.full", "http.url"))
    try:
        return urlsplit(url).hostname if url is not None else None
    except ValueError:  # brackets that are no address
        return None


def _sql_block(system: str, attributes: Mapping[str, Any], span: LightSpan) -> Document:
    block: Document = {"database_type": _DATABASE_TYPES.get(system, text(system))}
    if statement := first_of(attributes, STATEMENTS):
        block["sanitized_query"] = statement
    if user := first_of(attributes, ("db.user",)):
        block["user"] = short(user)
    if url := _database_url(system, attributes):
        block["url"] = url
    scope = span.instrumentation_scope
    if scope is not None and (version := _driver_version(scope.name)):
        block["driver_version"] = version
    return block


def _database_url(system: str, attributes: Mapping[str, Any]) -> str | None:
    host = first_of(attributes, _HOSTS)
    if host is None:
        return None
    user, database = first_of(attributes, ("db.user",)), first_of(attributes, _DATABASES)
    port = next((attributes[each] for each in _PORTS if each in attributes), None)
    address = f"[{host}]" if ":" in host and not host.startswith("[") else quote(host, safe="[]:")
    account = f"{quote(user, safe='')}@" if user else ""
    return f"{system}://{account}{address}{'' if port is None else f':{port}'}/{quote(database or '', safe='')}"


@lru_cache(maxsize=16)
def _driver_version(scope: str) -> str | None:
    """Return the driver that the instrumentation `scope` observes, with its version: `Psycopg 3.3.9`."""
    module, name = _DRIVERS.get(scope, ("", ""))
    version = getattr(sys.modules.get(module), "__version__", None)
    return f"{name} {version.partition(' ')[0]}" if isinstance(version, str) else None


def _aws_call(name: str, attributes: Mapping[str, Any]) -> Document:
    method = attributes.get("rpc.method")
    block: Document = {"operation": method.rpartition("/")[2]} if isinstance(method, str) else {}
    for otel, xray in _AWS_FIELDS.items():
        if otel in attributes:
            block[xray] = attributes[otel]
    for xray, convert in _CONVERSIONS.items():
        if xray in block:
            convert(block)
    document: Document = {"name": segment_name(name), "namespace": "aws", "aws": block}
    status = attributes.get("http.response.status_code", attributes.get("http.status_code"))
    if isinstance(status, int):
        document |= {"http": {"response": {"status": status}}, **flags(status)}
    if attributes.get("error.type") in _THROTTLING:
        document |= {"throttle": True, "error": True}
    return document


def _convert_tables(block: Document) -> None:
    """Name one table as `table_name`, as the SDK does; several ones, of a batch, stay a list."""
    names = block.pop("table_names")
    if isinstance(names, str):
        block["table_name"] = names
    elif len(names) == 1:
        block["table_name"] = text(names[0])
    else:
        block["table_names"] = [text(each) for each in names]


def _convert_capacity(block: Document) -> None:
    """Show the consumed capacity as the response has it: the attribute is a list of JSON texts."""
    values = block.pop("consumed_capacity")
    try:
        parsed = [orjson.loads(each) for each in ([values] if isinstance(values, str) else values)]
    except (orjson.JSONDecodeError, TypeError):
        return
    block["consumed_capacity"] = parsed[0] if len(parsed) == 1 else parsed


_CONVERSIONS: Final[Mapping[str, Callable[[Document], None]]] = {
    "table_names": _convert_tables,
    "consumed_capacity": _convert_capacity,
}
