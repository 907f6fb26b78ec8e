"""Name the span of a library call, and keep values out of its attributes, when it ends.

The instrumentations name a query by its first word, a pipeline by all its commands, and a message by its topic. Here
each has the name that "Semantic conventions for database client spans" and "for AWS SDK" (OpenTelemetry) give it, of
bounded length and low cardinality: `SELECT orders`, `GET`, `find orders`, `DynamoDB.GetItem`. Attributes may follow the
stable conventions or those before them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from itertools import islice
from typing import Any, Final, NamedTuple

from opentelemetry.trace.status import Status, StatusCode

from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.redaction.limits import MAX_TEXT
from flask_onetrace.telemetry.redaction.names import word_set
from flask_onetrace.telemetry.redaction.query_summary import MAX_SUMMARY, summary_of
from flask_onetrace.telemetry.redaction.sql import PLACEHOLDER, SQL_SYSTEMS, dialect_of
from flask_onetrace.telemetry.spans.provider import SpanProvider

AWS_API: Final = "aws-api"
SYSTEMS: Final = ("db.system.name", "db.system")
STATEMENTS: Final = ("db.query.text", "db.statement")
_OPERATIONS = ("db.operation.name", "db.operation")
_COLLECTIONS = ("db.collection.name", "db.mongodb.collection")
_ITEMS = frozenset({"aws.dynamodb.item_collection_metrics", "db.statement.parameters", "redis.search.query"})
_ITEM_PREFIXES = ("db.query.parameter.", "db.operation.parameter.", "redis.search.xdoc_")
_COMMAND = re.compile(r"[A-Za-z][\w.]{0,63}")
_CONTAINERS = word_set("""
    ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SLOWLOG XGROUP XINFO
    """)
"""Redis commands whose first argument is a command, too ("Commands", Redis)."""
_MAX_ARGUMENTS = 8
"""Arguments of a command that are shown, as question marks."""
_AWS_ERROR = re.compile(r"An error occurred \(([\w.:-]{1,128})\) when calling the ")
"""The message of botocore's `ClientError`."""


class Call(NamedTuple):
    """What the span of a call shows: its name, attributes to set, and the names of those to remove."""

    name: str
    attributes: dict[str, str]
    hidden: frozenset[str] = frozenset()


def first_of(attributes: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of the attributes `names` that is set, as text."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def take_call(
    name: str, attributes: MutableMapping[str, Any], status: Status, provider: SpanProvider
) -> tuple[str, Mapping[str, str]]:
    """Return the name of a call's span and the attributes to set, without those that `attributes` has no room for.

    The attributes that they replace, and those that hold values, are removed.
    """
    call = call_of(name, attributes, status, provider.redact)
    if call is None:
        return name, {}
    for key in (*call.hidden, *call.attributes):
        attributes.pop(key, None)
    limit = provider.limits.max_span_attributes
    room = None if limit is None else max(0, limit - len(attributes))
    return call.name, dict(islice(call.attributes.items(), room))


def call_of(name: str, attributes: Mapping[str, Any], status: Status, redact: Redactor) -> Call | None:
    """Return what the span `name` of a call shows; None for a call of neither a database nor AWS."""
    if attributes.get("rpc.system", attributes.get("rpc.system.name")) == AWS_API:
        return _aws_call(name, attributes, status)
    system = first_of(attributes, SYSTEMS)
    if system is None:
        return None
    describe = _BY_SYSTEM.get(system, _sql_call if system in SQL_SYSTEMS else _other_call)
    call = describe(name, system, attributes, redact)
    return call._replace(name=call.name[:MAX_SUMMARY], hidden=_value_attributes(attributes))


def _value_attributes(attributes: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the attributes that hold items, parameters and what was searched for."""
    return frozenset(each for each in attributes if each in _ITEMS or each.startswith(_ITEM_PREFIXES))


def _aws_call(name: str, attributes: Mapping[str, Any], status: Status) -> Call:
    service, method = attributes.get("rpc.service"), attributes.get("rpc.method")
    if isinstance(service, str) and isinstance(method, str):
        name = f"{service}.{method.rpartition('/')[2]}"[:MAX_SUMMARY]
    error = None
    if status.status_code is StatusCode.ERROR and "error.type" not in attributes:
        error = _AWS_ERROR.match(status.description or "")
    return Call(name, {"error.type": error[1]} if error else {}, _value_attributes(attributes))


def _sql_call(name: str, system: str, attributes: Mapping[str, Any], redact: Redactor) -> Call:
    statement = first_of(attributes, STATEMENTS)
    if statement is None:  # as SQLAlchemy's `connect`
        return Call(name, {})
    dialect = dialect_of(system)
    summary = summary_of(statement[:MAX_TEXT], dialect)
    sanitized = redact.statement(statement, MAX_TEXT, dialect)
    changes = {each: sanitized for each in STATEMENTS if each in attributes}
    operation = summary.partition(" ")[0] or system
    changes |= {each: operation for each in _OPERATIONS if each in attributes}
    if summary:
        changes["db.query.summary"] = summary
    return Call(summary or system, changes)


def _redis_call(name: str, system: str, attributes: Mapping[str, Any], redact: Redactor) -> Call:  # noqa: ARG001 - the signature of all systems
    statement = first_of(attributes, STATEMENTS)
    if statement is None:
        return Call(name, {})
    commands = [_command(line) for line in statement[:MAX_TEXT].split("\n")]
    names = {each for each, _ in commands}
    name = names.pop() if len(names) == 1 else ""
    if "db.redis.pipeline_length" in attributes:
        name = f"PIPELINE {name}".rstrip()
    text = "\n".join(each for _, each in commands)
    return Call(name or system, {each: text for each in STATEMENTS if each in attributes})


def _command(line: str) -> tuple[str, str]:
    """Return the name of a Redis command, and the command with `?` in place of each argument."""
    words = line.split()
    command = words[0] if words and _COMMAND.fullmatch(words[0]) else PLACEHOLDER
    arguments = words[1:]
    if command.upper() in _CONTAINERS and arguments and _COMMAND.fullmatch(arguments[0]):
        command = f"{command} {arguments[0]}"
        arguments = arguments[1:]
    shown = [PLACEHOLDER] * min(len(arguments), _MAX_ARGUMENTS)
    return command if command != PLACEHOLDER else "redis", " ".join((command, *shown))


def _mongodb_call(name: str, system: str, attributes: Mapping[str, Any], redact: Redactor) -> Call:  # noqa: ARG001 - as above
    statement = first_of(attributes, STATEMENTS) or first_of(attributes, _OPERATIONS)
    command = _COMMAND.match(statement) if statement else None
    if command is None:
        return Call(name, {})
    collection = first_of(attributes, _COLLECTIONS)
    changes = {each: command[0] for each in STATEMENTS if each in attributes}
    return Call(f"{command[0]} {collection}" if collection else command[0], changes)


def _other_call(name: str, system: str, attributes: Mapping[str, Any], redact: Redactor) -> Call:  # noqa: ARG001 - as above
    present = [each for each in STATEMENTS if isinstance(attributes.get(each), str)]
    return Call(name, {each: redact.statement(attributes[each], MAX_TEXT) for each in present})


_BY_SYSTEM: Final[Mapping[str, Callable[[str, str, Mapping[str, Any], Redactor], Call]]] = {
    "redis": _redis_call,
    "valkey": _redis_call,
    "mongodb": _mongodb_call,
}
