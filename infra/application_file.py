"""Read the description of an application from the `onetrace.toml` in its folder (docs/adopt.md lists the keys)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from string import Template
from typing import Final

from flask_onetrace.contract import (
    CONTAINER_PORT,
    RUNTIME_HEALTH_CHECK_PATH,
    RUNTIME_PROBE_PATH,
    XRAY_DAEMON_CONTAINER_NAME,
    XRAY_DAEMON_PORT,
)
from infra import application_grammar as grammar
from infra import environment_names
from infra.application import (
    Application,
    ApplicationError,
    container_name_of,
    selected_folder,
)
from infra.application_tables import read_image, read_local, read_login, read_request, read_requirements, read_statement
from infra.application_variables import RESERVED_SECRETS, RESERVED_VARIABLES, VALUE_PATTERNS, setting_problem
from infra.names import LONGEST_APPLICATION, default_name
from infra.toml_table import Table

FILE: Final = "onetrace.toml"


def selected() -> Application:
    """Return the application in the folder of the variable `APP`. Raises `ApplicationError`."""
    return load(selected_folder())


def load(folder: Path, flask_app: str | None = None) -> Application:
    """Return the application in `folder`, with `flask_app` in place of the file's where that is given.

    Without a file it has the folder's name and the defaults. Raises `ApplicationError`.
    """
    file = folder / FILE
    try:
        is_folder = folder.is_dir()
        content = tomllib.loads(file.read_text(encoding="utf-8-sig")) if is_folder and file.exists() else {}
    except (OSError, ValueError, RecursionError) as error:
        raise ApplicationError(f"{file} cannot be read: {error}", "correct it (docs/adopt.md)") from error
    if not is_folder:
        raise ApplicationError(f"APP={str(folder)!r} is no folder", "set it to the folder of a Flask application")
    return _application(Table(content, file), folder.resolve(), flask_app)


def _application(table: Table, folder: Path, flask_app: str | None) -> Application:
    name = table.text(
        "name", grammar.NAME, f"up to {LONGEST_APPLICATION} letters and digits, a letter first", default_name(folder)
    )
    described = table.text("flask_app", grammar.WORDS, "as FLASK_APP, for example 'orders:create_app()'", "")
    path = "a path of letters, digits and any of '._~/-', for example '/healthz'"
    image = read_image(table, folder)
    health_check_path = table.text("health_check_path", grammar.PATH, path, RUNTIME_HEALTH_CHECK_PATH)
    application = Application(
        name=name,
        service_name=_service_name(table, default=name),
        folder=folder,
        flask_app=flask_app or described or None,
        requirements=read_requirements(table, folder),
        image=image,
        port=_port(table),
        health_check_path=health_check_path,
        smoke_test=read_request(
            table.table("smoke_test"), RUNTIME_PROBE_PATH if image.has_runtime else health_check_path
        ),
        variables=_variables(variables := table.table("variables"), beside_tables=True),
        environment_variables={environment: _variables(each) for environment, each in variables.tables()},
        secrets=_secrets(table),
        task_role=tuple(map(read_statement, table.tables_of("task_role"))),
        login=read_login(table.table("login")),
        local=read_local(table.table("local")),
    )
    table.reject_unknown_keys()
    _refuse_unknown_environments(application)
    _refuse_two_sources(table, application)
    _check_references(table, application)
    _check_runtime(table, application)
    return application


def _service_name(table: Table, *, default: str) -> str:
    expected = "up to 32 letters, digits, '.', '_' and '-', as another name than the X-Ray daemon's"
    name = table.text("service_name", grammar.SERVICE_NAME, expected, default)
    if container_name_of(name) == XRAY_DAEMON_CONTAINER_NAME:
        raise table.error("service_name", name, expected)
    return name


def _port(table: Table) -> int:
    port = table.number("port", grammar.PORTS, CONTAINER_PORT)
    if port == XRAY_DAEMON_PORT:  # the containers of a Fargate task have one network namespace
        raise table.conflict("port", f"= {port} is the X-Ray daemon's", "use another one, for example 8080")
    return port


def _variables(table: Table, *, beside_tables: bool = False) -> dict[str, str]:
    variables = table.texts(
        grammar.VARIABLE,
        grammar.ANY,
        "a string, as '1' or 'true'",
        reserved=RESERVED_VARIABLES,
        beside_tables=beside_tables,
    )
    for name, value in variables.items():
        if form := VALUE_PATTERNS.get(name):
            if not re.fullmatch(form.pattern, value):
                raise table.error(name, value, form.expected)
        elif problem := setting_problem(name, value):
            raise table.conflict(name, "would be rejected by the service at its start", problem)
    return variables


def _secrets(table: Table) -> dict[str, str]:
    secrets = table.table("secrets", secret=True)
    expected = (
        "the name of its Secrets Manager entry, for example 'database-url', not its value: up to 200 letters, digits"
        " and any of '/_+=.@-', not ending in a hyphen and six characters"
    )
    entries = secrets.texts(grammar.VARIABLE, grammar.SECRET, expected, reserved=RESERVED_SECRETS)
    for variable, entry in entries.items():
        if entry in grammar.ENTRIES:
            raise secrets.error(
                variable, entry, f"another name than those of the sinks' keys, {', '.join(grammar.ENTRIES)}"
            )
    return entries


def _refuse_unknown_environments(application: Application) -> None:
    for name in application.environment_variables:
        if name not in environment_names.ALL:
            raise ApplicationError(
                f"{application.folder / FILE}: [variables.{name}] is of an unknown environment",
                f"use one of {', '.join(environment_names.ALL)} (infra/environments.py)",
            )


def _refuse_two_sources(table: Table, application: Application) -> None:
    """Raise where a variable is plain and a secret: ECS takes no such task definition."""
    for plain in (application.variables, *application.environment_variables.values()):
        for variable in application.secrets.keys() & plain.keys():
            raise table.table("secrets").conflict(variable, "is in [variables] too", "keep one of them")


def _check_references(table: Table, application: Application) -> None:
    """Raise where a header of the smoke test refers to what is no variable of the application's."""
    headers = table.table("smoke_test").table("headers", secret=True)
    on_this_machine = (
        application.local.variables.keys() | application.environment_variables.get(environment_names.LOCAL, {}).keys()
    )
    by_environment = {name for each in application.environment_variables.values() for name in each}
    own = {*application.secrets, *application.variables, *(by_environment & on_this_machine)}
    for name, text in application.smoke_test.headers.items():
        template = Template(text)
        if not template.is_valid() or not own.issuperset(template.get_identifiers()):
            expected = (
                "$NAME for a name in [variables] or [secrets], or in [variables.<environment>] and [local.variables],"
                " and $$ for a dollar sign"
            )
            raise headers.error(name, "", expected)


def _check_runtime(table: Table, application: Application) -> None:
    """Raise where a path is the runtime's own in an image without it."""
    if application.image.has_runtime:
        return
    if application.health_check_path == RUNTIME_HEALTH_CHECK_PATH:
        raise table.conflict(
            "runtime",
            "= false needs `health_check_path`",
            "set it to a route of the application, for example '/healthz'",
        )
