"""List the library calls that are measured, and serve each by a route of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from flask import Flask

from bench.testbed.databases import HOST


class Ports(NamedTuple):
    """The ports of 127.0.0.1 that the calls, the exporters (`http`) and the segments (`udp`) go to."""

    postgres: int
    redis: int
    dynamodb: int
    http: int
    udp: int


@dataclass(frozen=True, slots=True)
class LibraryCall:
    """A call: the route whose requests make it once, its name in the table, and the requests of a round."""

    path: str
    label: str
    requests: int


CALLS: Final = (
    LibraryCall("/orders", "SQLAlchemy with psycopg: one `SELECT`", 400),
    LibraryCall("/cart", "redis: one `GET`", 400),
    LibraryCall("/profile", "boto3: one `GetItem` of DynamoDB", 200),
)
"""With four spans a request, a round fits into the 2,048 places of `BatchSpanProcessor`, which drops what does not."""
KEY: Final = "cart:worf"
STATEMENT: Final = "SELECT id, total FROM orders WHERE customer = :customer ORDER BY id LIMIT 5"


def add_routes(app: Flask, ports: Ports) -> None:
    """Add the routes. The libraries are imported here, after the variant's instrumentation is installed."""
    handlers = {"/orders": _orders(ports), "/cart": _cart(ports), "/profile": _profile(ports)}
    for path, handler in handlers.items():
        app.add_url_rule(path, view_func=handler, endpoint=path[1:])


def _orders(ports: Ports) -> Callable[[], Any]:
    from sqlalchemy import create_engine, text  # noqa: PLC0415 - after the instrumentation

    engine = create_engine(f"postgresql+psycopg://app@{HOST}:{ports.postgres}/shop")
    statement = text(STATEMENT)

    def orders() -> Any:  # noqa: ANN401 - any JSON
        with engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement, {"customer": "worf"}).mappings()]

    return orders


def _cart(ports: Ports) -> Callable[[], Any]:
    from redis import Redis  # noqa: PLC0415 - after the instrumentation

    client = Redis(HOST, ports.redis, decode_responses=True)
    return lambda: {"cart": client.get(KEY)}


def _profile(ports: Ports) -> Callable[[], Any]:
    import boto3  # noqa: PLC0415 - after the instrumentation

    client: Any = boto3.client("dynamodb", region_name="us-east-1", endpoint_url=f"http://{HOST}:{ports.dynamodb}")
    request = {"TableName": "profiles", "Key": {"handle": {"S": "worf"}}, "ReturnConsumedCapacity": "TOTAL"}
    return lambda: client.get_item(**request)["Item"]
