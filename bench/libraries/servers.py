"""Run what the calls go to: PostgreSQL, Redis and a fake of DynamoDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import ThreadingHTTPServer
from typing import NamedTuple

import psycopg
from redis import Redis

from bench.libraries.calls import KEY
from bench.overhead.sinkhole import Handler
from bench.testbed.databases import HOST, running_postgres, running_redis


class Databases(NamedTuple):
    """Their ports."""

    postgres: int
    redis: int
    dynamodb: int


class _DynamoDB(Handler):
    """Respond to `GetItem`."""

    body = b'{"Item":{"handle":{"S":"worf"}},"ConsumedCapacity":{"TableName":"profiles","CapacityUnits":0.5}}'

    def end_headers(self) -> None:
        self.send_header("x-amzn-requestid", "REQUEST-1")
        super().end_headers()


@contextmanager
def running_databases() -> Iterator[Databases]:
    """Yield the ports, once each has what the calls read."""
    with running_postgres() as postgres, running_redis() as redis, _running_dynamodb() as dynamodb:
        with psycopg.connect(f"host={HOST} port={postgres} user=app dbname=shop") as connection:
            connection.execute("CREATE TABLE orders (id int PRIMARY KEY, customer text, total int)")
            connection.execute("INSERT INTO orders SELECT n, 'worf', 10 * n FROM generate_series(1, 5) AS n")
        with closing(Redis(HOST, redis)) as client:
            client.set(KEY, "prune juice")
        yield Databases(postgres, redis, dynamodb)


@contextmanager
def _running_dynamodb() -> Iterator[int]:
    with ThreadingHTTPServer((HOST, 0), _DynamoDB) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
