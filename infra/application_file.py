"""Read the description of an application from the `onetrace.toml` in its folder (docs/adopt.md lists the keys)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from flask_onetrace.contract import CONTAINER_PORT, RUNTIME_HEALTH_CHECK_PATH, RUNTIME_PROBE_PATH, Variable
from infra.application import Application, ApplicationError, Local, Request, Statement

T = TypeVar("T")

FILE: Final = "onetrace.toml"
SERVICES: Final = ("postgresql",)

_NAME: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]{0,14}[A-Za-z0-9])?")
_SERVICE_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,30}[A-Za-z0-9])?")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,200}")
_PATH: Final = re.compile(r"/[!-~]*")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z*]+")
_RESERVED: Final = frozenset(map(str, Variable)) - {
    Variable.FLASK_APP,
    Variable.USER_HEADER,
    Variable.FRONTEND_SERVICE_NAME,
    Variable.METRICS_NAMESPACE,
}
_STATUSES: Final = range(100, 600)
_PORTS: Final = range(1, 65_536)


def load(folder: Path, flask_app: str | None = None) -> Application:
    """Return the application in `folder`, with `flask_app` in place of the file's where that is given.

    Without a file it has the folder's name and the defaults. Raises `ApplicationError`.
    """
    if not folder.is_dir():
        raise ApplicationError(f"APP={str(folder)!r} is no folder: set it to the folder of a Flask application")
    file = folder / FILE
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise ApplicationError(f"{file} cannot be read: {error}: correct it (docs/adopt.md)") from error
    return _application(_Table(content, file), folder, flask_app)


def _application(table: _Table, folder: Path, flask_app: str | None) -> Application:
    default_name = re.sub(r"[^A-Za-z0-9]+", "-", folder.resolve().name).strip("-")
    name = table.text("name", _NAME, "up to 16 letters, digits and hyphens, a letter first", default_name)
    described = table.text("flask_app", re.compile(r"\S.*"), "as FLASK_APP, for example 'orders:create_app()'", "")
    table_of = table.table
    application = Application(
        name=name,
        service_name=table.text("service_name", _SERVICE_NAME, "up to 32 letters, digits, '.', '_' and '-'", name),
        folder=folder.resolve(),
        flask_app=flask_app or described or None,
        requirements=table.file("requirements", folder, default="requirements.txt"),
        dockerfile=table.file("dockerfile", folder),
        port=table.number("port", _PORTS, CONTAINER_PORT),
        health_check_path=table.text(
            "health_check_path", _PATH, "a path, for example '/healthz'", RUNTIME_HEALTH_CHECK_PATH
        ),
        smoke_test=_request(table_of("smoke_test")),
        variables=table_of("variables").texts(_VARIABLE, _RESERVED),
        variables_of={name: each.texts(_VARIABLE, _RESERVED) for name, each in table_of("variables").tables()},
        secrets=table_of("secrets").texts(_VARIABLE, _RESERVED, _SECRET),
        task_role=tuple(map(_statement, table.tables_of("task_role"))),
        local=_local(table_of("local")),
    )
    table.refuse_others()
    return application


def _request(table: _Table) -> Request:
    request = Request(
        path=table.text("path", _PATH, "a path, for example '/orders'", RUNTIME_PROBE_PATH),
        status=table.number("status", _STATUSES, 200),
        headers=table.table("headers").texts(_HEADER),
    )
    table.refuse_others()
    return request


def _statement(table: _Table) -> Statement:
    statement = Statement(
        actions=table.list_of("actions", _ACTION, "an IAM action, for example 'sqs:SendMessage'"),
        resources=table.list_of(
            "resources",
            re.compile(r"arn:\S+|\*"),
            "an ARN, in which {region}, {account} and {environment} are filled in",
        ),
    )
    table.refuse_others()
    return statement


def _local(table: _Table) -> Local:
    local = Local(
        variables=table.table("variables").texts(_VARIABLE),
        services=table.list_of("services", re.compile("|".join(SERVICES)), f"one of {', '.join(SERVICES)}", ()),
        before_start=table.text("before_start", re.compile(r"\S.*"), "a command", "") or None,
    )
    table.refuse_others()
    return local


class _Table:
    """A table of the file, which knows where it is and which of its keys were read."""

    def __init__(self, content: Mapping[str, Any], file: Path, prefix: str = "") -> None:
        self._content, self._file, self._prefix = content, file, prefix
        self._read: set[str] = set()

    def text(self, key: str, pattern: re.Pattern[str], expected: str, default: str) -> str:
        """Return a string that matches `pattern`."""
        return self._value(key, lambda value: isinstance(value, str) and pattern.fullmatch(value), expected, default)

    def number(self, key: str, numbers: range, default: int) -> int:
        """Return an integer in `numbers`."""
        expected = f"a number from {numbers.start} to {numbers.stop - 1}"
        return self._value(key, lambda value: type(value) is int and value in numbers, expected, default)

    def list_of(
        self, key: str, pattern: re.Pattern[str], expected: str, default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Return strings that match `pattern`; without a default, at least one."""

        def is_valid(value: object) -> bool:
            texts = value if isinstance(value, (list, tuple)) else [None]
            return all(isinstance(each, str) and pattern.fullmatch(each) for each in texts) and bool(
                texts or default is not None
            )

        return tuple(self._value(key, is_valid, f"a list of which each is {expected}", default or ()))

    def file(self, key: str, folder: Path, default: str | None = None) -> str | None:
        """Return the name of a file in `folder`; that of the default is left out where there is none."""
        name = self.text(key, re.compile(r"[^\0]+"), "the name of a file", "")
        if not name:
            return default if default is not None and (folder / default).is_file() else None
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise self._error(key, name, f"a file in {folder}")
        return name

    def table(self, key: str) -> _Table:
        """Return a table, empty where there is none."""
        none: dict[str, Any] = {}
        content = self._value(key, lambda value: isinstance(value, dict), "a table", none)
        return _Table(content, self._file, f"{self._prefix}{key}.")

    def tables_of(self, key: str) -> tuple[_Table, ...]:
        """Return the tables of an array."""

        def is_valid(value: object) -> bool:
            return isinstance(value, list) and all(isinstance(each, dict) for each in value)

        none: list[dict[str, Any]] = []
        tables = self._value(key, is_valid, f"an array of tables, [[{key}]]", none)
        return tuple(_Table(each, self._file, f"{self._prefix}{key}[{index}].") for index, each in enumerate(tables))

    def tables(self) -> list[tuple[str, _Table]]:
        """Return all that are tables, by key."""
        return [(key, self.table(key)) for key, value in self._content.items() if isinstance(value, dict)]

    def texts(
        self, keys: re.Pattern[str], reserved: frozenset[str] = frozenset(), values: re.Pattern[str] | None = None
    ) -> dict[str, str]:
        """Return all that are no tables, which must be strings."""
        texts = {key: value for key, value in self._content.items() if not isinstance(value, dict)}
        for key, value in texts.items():
            if not keys.fullmatch(key):
                raise self._error(key, value, "a key that is a name of letters, digits and underscores")
            if key in reserved:
                raise ApplicationError(
                    f"{self._file}: {self._prefix}{key} is set by the deployment itself: remove it (docs/adopt.md)"
                )
            if not isinstance(value, str) or "\0" in value or (values is not None and not values.fullmatch(value)):
                raise self._error(key, value, "a string")
        return texts

    def refuse_others(self) -> None:
        """Raise for a key that was not read."""
        for key in self._content:
            if key not in self._read:
                known = ", ".join(sorted(self._read))
                raise ApplicationError(f"{self._file}: {self._prefix}{key} is not a key: use one of {known}")

    def _value(self, key: str, is_valid: Callable[[Any], Any], expected: str, default: T) -> T:
        self._read.add(key)
        value = self._content.get(key, default)
        if value is not default and not is_valid(value):
            raise self._error(key, value, expected)
        result: T = value
        return result

    def _error(self, key: str, value: object, expected: str) -> ApplicationError:
        return ApplicationError(f"{self._file}: {self._prefix}{key} = {value!r} is malformed: write {expected}")
