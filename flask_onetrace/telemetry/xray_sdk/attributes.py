"""Convert what the X-Ray SDK's subsegments hold to span attributes by the semantic conventions, for the other sinks.

The blocks are those that the SDK's patchers fill (`ext/dbapi2.py`, `ext/boto_utils.py`, `ext/requests`, `ext/pymongo`).
Metadata becomes `aws.xray.metadata.<namespace>.<key>`, a prefix that the Collector's awsxrayexporter reads, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.plain import INTEGERS
from flask_onetrace.telemetry.redaction.limits import MAX_NAME, MAX_TEXT, cut

METADATA: Final = "aws.xray.metadata."
_MAX_METADATA: Final = 32
"""Attributes: a span has 128 at most, and those of its call come first."""
_SERVICES: Final = {
    "dynamodb": "DynamoDB",
    "kinesis": "Kinesis",
    "lambda": "Lambda",
    "monitoring": "CloudWatch",
    "logs": "CloudWatch Logs",
    "s3": "S3",
    "secretsmanager": "Secrets Manager",
    "sns": "SNS",
    "sqs": "SQS",
    "ssm": "SSM",
    "states": "SFN",
    "sts": "STS",
}
"""Service ids of botocore by the endpoint's prefix, which names the SDK's subsegments."""
AWS_ATTRIBUTES: Final = {
    "bucket_name": "aws.s3.bucket",
    "function_name": "faas.invoked_name",
    "id_2": "aws.extended_request_id",
    "message_id": "messaging.message.id",
    "operation": "rpc.method",
    "queue_url": "aws.sqs.queue.url",
    "region": "cloud.region",
    "request_id": "aws.request_id",
    "topic_arn": "aws.sns.topic.arn",
}
"""By the fields of a segment document's `aws` block."""
_HTTP: Final = {
    "client_ip": "client.address",
    "content_length": "http.response.body.size",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "url": "url.full",
    "user_agent": "user_agent.original",
}
_SQL: Final = {
    "database_version": "db.server.version",
    "driver_version": "db.driver.version",
    "sanitized_query": "db.query.text",
    "user": "db.user",
}
_SYSTEMS: Final = {"sqlite3": "sqlite", "pg8000": "postgresql", "sql server": "microsoft.sql_server"}
_DBAPI_METHODS: Final = frozenset({"execute", "executemany", "callproc"})
_PLAIN: Final = frozenset({str, float, bool})


def attributes_of(fields: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Return the attributes of a subsegment's span, and whether one of the SDK's patchers has named it.

    `fields` are what is set on the entity, once that is plain and has no secrets.
    """
    attributes: dict[str, Any] = {}
    name = str(fields["name"])
    is_patched = False
    if fields["metadata"]:
        _add_metadata(attributes, fields["metadata"])
    if fields["http"]:
        is_patched |= _add_http(attributes, fields["http"], name)
    if fields["aws"]:
        is_patched |= _add_aws(attributes, fields["aws"], name, fields.get("namespace"))
    if sql := fields.get("sql"):
        is_patched |= _add_sql(attributes, sql, name)
    if (annotations := fields["annotations"]) and "mongodb_command_name" in annotations:
        is_patched |= _add_mongodb(attributes, annotations)
    return attributes, is_patched


def _add_metadata(attributes: dict[str, Any], metadata: Mapping[str, Any]) -> None:
    for namespace, values in metadata.items():
        if type(values) is dict:
            for key, value in values.items():
                if len(attributes) == _MAX_METADATA:
                    return
                attributes[f"{METADATA}{namespace}.{key}"[:MAX_NAME]] = _plain(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of metadata
    """Return `value` as an attribute can hold it: collections as JSON."""
    kind = type(value)
    if kind is str:
        return cut(value, MAX_TEXT)
    if kind in _PLAIN or (kind is int and value in INTEGERS):
        return value
    return cut(dumps(value).decode(), MAX_TEXT)


def _add(attributes: dict[str, Any], block: Mapping[str, Any], names: Mapping[str, str], other: str) -> None:
    for key, value in block.items():
        if value is not None:
            attributes[names.get(key, f"{other}{key}")] = _plain(value)


def _add_http(attributes: dict[str, Any], block: Mapping[str, Any], name: str) -> bool:
    """Add the attributes of an HTTP call; return whether its name is the host's, as that of the SDK's patchers."""
    for part in ("request", "response"):
        if isinstance(fields := block.get(part), Mapping):
            _add(attributes, {key: value for key, value in fields.items() if key in _HTTP}, _HTTP, "")
    url = _split(attributes.get("url.full"))
    is_patched = url is not None and url.hostname == name.lower()
    if is_patched:
        attributes["server.address"] = name
    return is_patched


def _add_aws(attributes: dict[str, Any], block: Mapping[str, Any], name: str, namespace: object) -> bool:
    if namespace != "aws" or not isinstance(block.get("operation"), str):
        return False
    rest = {name: value for name, value in block.items() if name != "key"}  # of an object: it often names a person
    attributes |= {"rpc.system": "aws-api", "rpc.service": _SERVICES.get(name, name)}
    if isinstance(table := rest.pop("table_name", None), str):
        attributes["aws.dynamodb.table_names"] = [table]
    _add(attributes, rest, AWS_ATTRIBUTES, "aws.dynamodb." if name == "dynamodb" else "aws.")
    return True


def _add_sql(attributes: dict[str, Any], block: Mapping[str, Any], name: str) -> bool:
    system = str(block.get("database_type", "other_sql")).lower()
    attributes["db.system.name"] = _SYSTEMS.get(system, system)
    _add(attributes, {key: value for key, value in block.items() if key in _SQL}, _SQL, "")
    url = _split(block.get("url"))
    if url is None:
        return name in _DBAPI_METHODS
    attributes |= {"server.address": url.hostname or "", **_port(url)}
    if database := unquote(url.path.lstrip("/")):
        attributes["db.namespace"] = database
    return name in _DBAPI_METHODS or url.netloc.rpartition("@")[2] == name


def _add_mongodb(attributes: dict[str, Any], annotations: Mapping[str, Any]) -> bool:
    attributes |= {
        "db.system.name": "mongodb",
        "db.operation.name": str(annotations["mongodb_command_name"]),
        "db.namespace": str(annotations.get("mongodb_database_name", "")),
    }
    url = _split(f"//{annotations.get('mongodb_connection_id', '')}")
    if url is not None:
        attributes |= {"server.address": url.hostname or "", **_port(url)}
    return True


def _split(url: object) -> SplitResult | None:
    try:
        return urlsplit(url) if isinstance(url, str) and "//" in url else None
    except ValueError:  # brackets that are no address
        return None


def _port(url: SplitResult) -> dict[str, int]:
    try:
        return {} if url.port is None else {"server.port": url.port}
    except ValueError:  # no number, as in the `unknown` of the SDK's own
        return {}
