"""Read the tables of `onetrace.toml`: the image, the smoke test, the task role, the login, what differs locally."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from infra import application_grammar as grammar
from infra.application import RUNTIME_HEALTH_COMMAND, RUNTIME_USER, Image, Local, Login, Request, Statement
from infra.toml_table import Table


def read_requirements(table: Table, folder: Path) -> str | None:
    """Return the name of the file that lists the packages, None where the description has none."""
    path = table.file("requirements", folder, folder)
    return None if path is None else path.relative_to(folder).as_posix()


def read_image(table: Table, folder: Path) -> Image:
    """Return how the image is built."""
    context = table.folder("context", folder)
    within = context or folder
    dockerfile = table.file("dockerfile", folder, within)
    if context is not None and dockerfile is None:
        raise table.conflict("context", "needs `dockerfile`", "set it or remove `context`")
    own = dockerfile is not None
    has_runtime = table.boolean("runtime", default=True)
    if not own and not has_runtime:
        raise table.conflict("runtime", "= false needs `dockerfile`", "set it or remove `runtime`")
    command = table.list_of("health_command", grammar.WORDS, "an argument", () if own else RUNTIME_HEALTH_COMMAND)
    user = "a user of the image, for example '10001:10001'"
    return Image(
        dockerfile=dockerfile,
        context=within if own else None,
        has_runtime=has_runtime,
        health_command=command or None,
        user=table.text("user", grammar.USER, user, "" if own else RUNTIME_USER) or None,
        read_only=table.boolean("read_only", default=True),
    )


def read_request(table: Table, default_path: str) -> Request:
    """Return the request of the smoke test."""
    request = Request(
        path=table.text("path", grammar.TARGET, "a path, for example '/orders'", default_path),
        status=table.number("status", grammar.STATUSES, 200),
        headers=table.table("headers", secret=True).texts(
            grammar.HEADER, grammar.HEADER_VALUE, "a string of printable characters"
        ),
    )
    table.reject_unknown_keys()
    return request


def read_statement(table: Table) -> Statement:
    """Return a statement of the task role."""
    filled = ", ".join(f"{{{each}}}" for each in grammar.PLACEHOLDERS)
    statement = Statement(
        actions=table.list_of("actions", grammar.ACTION, "an IAM action, for example 'sqs:SendMessage'"),
        resources=table.list_of("resources", grammar.RESOURCE, f"an ARN, in which {filled} are filled in"),
        reason=table.text("reason", grammar.WORDS, "why it needs a wildcard", "") or None,
    )
    table.reject_unknown_keys()
    return statement


def read_login(table: Table) -> Login:
    """Return which paths are no pages."""

    def paths(key: str, most: int = grammar.PATTERNS) -> tuple[str, ...]:
        patterns = table.list_of(key, grammar.PATH_PATTERN, "a path, for example '/assets/*'", ())
        if len(patterns) > most:
            problem = f"has too many paths ({len(patterns)})"
            raise table.conflict(key, problem, f"keep {most} at most (quota of an ALB rule's condition values)")
        return patterns

    login = Login(
        open_paths=paths("open_paths", most=grammar.PATTERNS - 2),  # the health checks are two of the five
        optional_paths=paths("optional_paths"),
        api_paths=paths("api_paths"),
    )
    table.reject_unknown_keys()
    return login


def read_local(table: Table) -> Local:
    """Return what differs on this machine."""
    variables: dict[str, Any] = table.table("variables", secret=True).texts(grammar.VARIABLE, grammar.ANY, "a string")
    local = Local(
        variables=variables,
        services=table.list_of(
            "services", re.compile("|".join(grammar.SERVICES)), f"one of {', '.join(grammar.SERVICES)}", ()
        ),
        before_start=table.text("before_start", grammar.WORDS, "a command", "") or None,
    )
    table.reject_unknown_keys()
    return local
