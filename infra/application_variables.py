"""List the contract's variables that an application may set by its description, and where to set the others."""

from dataclasses import fields
from typing import Final, NamedTuple

from flask_onetrace.contract import SECRET_OF, Variable
from flask_onetrace.settings import Settings


class ValuePattern(NamedTuple):
    """A regular expression that a value matches as a whole, and what it stands for."""

    pattern: str
    expected: str


OVERRIDABLE: Final = frozenset(
    {
        Variable.USER_HEADER,
        Variable.FRONTEND_SERVICE_NAME,
        Variable.LOG_LEVEL,
        Variable.REDACT_NAMES,
        Variable.BAGGAGE_HOSTS,
        Variable.WEB_THREADS,
        Variable.HEALTH_CHECK_DETAIL,
        Variable.FRONTEND_URL,
        Variable.BACKEND_URL,
        Variable.TRACE_URL,
        Variable.OTEL_PYTHON_DISABLED_INSTRUMENTATIONS,
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT,
        Variable.OTEL_EXPORTER_OTLP_HEADERS,
        Variable.OTEL_EXPORTER_OTLP_PROTOCOL,
        Variable.HONEYCOMB_KEEP_EVERYTHING,
        Variable.TAIL_SAMPLING_SLOW_SECONDS,
        Variable.TAIL_SAMPLING_PER_SECOND,
        Variable.ROLLBAR_ENDPOINT,
    }
)
"""The variables of the contract for which a value in `[variables]` replaces the deployment's own."""
SECRET_OVERRIDABLE: Final = frozenset({Variable.OTEL_EXPORTER_OTLP_HEADERS})
"""Those that may be in `[secrets]`: headers can hold a key."""
VALUE_PATTERNS: Final[dict[str, ValuePattern]] = {
    Variable.WEB_THREADS: ValuePattern(r"[1-9][0-9]{0,2}", "a number from 1 to 999")
}
"""Those that the stacks read, too: stricter than the service."""
_PARSERS: Final = {each.metadata["variable"]: each.metadata["parse"] for each in fields(Settings) if each.metadata}

_DEPLOYMENT: Final = "the deployment sets it itself (docs/adopt.md)"
_ENVIRONMENT: Final = "it is a choice of the environment, in infra/environments.py"
_KEYS: Final = {
    Variable.FLASK_APP: "flask_app",
    Variable.HEALTH_CHECK_PATH: "health_check_path",
    Variable.PORT: "port",
    Variable.OTEL_SERVICE_NAME: "service_name",
    Variable.AWS_XRAY_TRACING_NAME: "service_name",
}
_OF_ENVIRONMENT: Final = (
    Variable.FAULT_ROUTES,
    Variable.TRUST_USER_HEADER,
    Variable.BROWSER_RELAY,
    Variable.WEB_CONCURRENCY,
    Variable.AWS_XRAY_URL,
    Variable.XRAY_SAMPLING_RULE,
)
_WHERE_ELSE: Final[dict[str, str]] = {
    **{str(each): _DEPLOYMENT for each in Variable},
    **{str(each): _ENVIRONMENT for each in _OF_ENVIRONMENT},
    **{str(each): f"use the key {key}" for each, key in _KEYS.items()},
    **{str(each): "make secrets stores it" for each in SECRET_OF},
    **dict.fromkeys(("PATH", "PYTHONPATH"), "the image sets it: use ENV in a `dockerfile` of your own"),
}
RESERVED_VARIABLES: Final = {name: remedy for name, remedy in _WHERE_ELSE.items() if name not in OVERRIDABLE}
"""The variables that `[variables]` refuses, with what to do instead."""
RESERVED_SECRETS: Final = {
    name: "set it in [variables]" if name in OVERRIDABLE else remedy
    for name, remedy in _WHERE_ELSE.items()
    if name not in SECRET_OVERRIDABLE
}
"""The variables that `[secrets]` refuses, with what to do instead."""


def setting_problem(name: str, value: str) -> str | None:
    """Return why the service could not use a value of a variable that it reads, None if it can.

    The message shows no secret, and an empty value is no value.
    """
    if name not in _PARSERS or not value.strip():
        return None
    try:
        _PARSERS[name](value.strip())
    except ValueError as error:
        return str(error)
    return None
