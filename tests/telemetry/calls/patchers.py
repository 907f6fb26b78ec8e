"""Patch libraries with the X-Ray SDK's patchers until a test ends: most of them cannot be undone by the SDK."""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress

import botocore.client
import botocore.endpoint
import httpx
import psycopg
import psycopg2
import psycopg2.extensions
import psycopg2.extras
import pytest
import requests
import sqlalchemy.engine.base
import sqlalchemy.orm.session
from pymongo import monitoring

Patcher = Callable[[pytest.MonkeyPatch, str], None]
_REPLACED: dict[str, list[tuple[object, str]]] = {
    "botocore": [(botocore.client.BaseClient, "_make_api_call"), (botocore.endpoint.Endpoint, "prepare_request")],
    "httpx": [(httpx, "Client"), (httpx, "AsyncClient"), (httpx._api, "Client")],
    "psycopg": [(psycopg, "connect")],
    "psycopg2": [
        (psycopg2, "connect"),
        (psycopg2.extensions, "register_type"),
        (psycopg2.extensions, "quote_ident"),
        (psycopg2.extras, "register_default_jsonb"),
    ],
    "pymongo": [],
    "requests": [(requests.Session, "request"), (requests.Session, "prepare_request")],
    "sqlalchemy_core": [(sqlalchemy.engine.base.Connection, "execute"), (sqlalchemy.orm.session.Session, "execute")],
    "sqlite3": [(sqlite3, "connect")],
}
_MARKED = (botocore.client, monitoring)
"""Modules that the SDK marks as patched."""


@pytest.fixture
def patch() -> Iterator[Patcher]:
    """Patch a library by the name of its package in `aws_xray_sdk.ext`, until the monkeypatch is undone."""

    def patch(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
        for owner, name in _REPLACED[library]:
            monkeypatch.setattr(owner, name, getattr(owner, name))  # restored at the end
        with suppress(ModuleNotFoundError):  # psycopg's pool, which is patched last
            importlib.import_module(f"aws_xray_sdk.ext.{library}.patch").patch()

    yield patch
    for module in _MARKED:
        with suppress(AttributeError):
            del module._xray_enabled
