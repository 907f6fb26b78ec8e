"""Read the environment, once: no other module of the service takes a setting from `os.environ`.

A value that cannot be used has one of two outcomes:

- A variable that only this package reads, or that holds a credential of a sink, raises `SettingsError`: whoever set it
  meant it for us, and would lose what it asks for.
- A variable that other tools read too, as `LOG_LEVEL`, `PORT`, `OTEL_*` and `AWS_*`, may hold what suits them, so it
  never stops an application: it is in `Settings.unusable_variables` with what is used instead, which is logged as a
  warning and shown by the health check. Such a variable has a `substitute` in its declaration.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, astuple, dataclass, field, fields, replace
from typing import Any, TypeVar

from flask_onetrace import aws_parsing, name_parsing, parsing
from flask_onetrace.contract import (
    CONTAINER_PORT,
    MAX_SHUTDOWN_DEADLINE_SECONDS,
    ROLLBAR_API,
    RUNTIME_HEALTH_CHECK_PATH,
    SHUTDOWN_DEADLINE_SECONDS,
    SLOW_SECONDS,
    TAIL_SAMPLING_PER_SECOND,
    Variable,
)
from flask_onetrace.credentials import credentials_of
from flask_onetrace.masking import masked
from flask_onetrace.telemetry.config import DaemonAddress, SamplingRule, Secret

T = TypeVar("T")

_NAMES = frozenset(map(str, Variable))
_ALB_VARIABLES = {
    "alb_arn": Variable.ALB_ARN,
    "alb_oidc_issuer": Variable.ALB_OIDC_ISSUER,
    "alb_oidc_client_id": Variable.ALB_OIDC_CLIENT_ID,
}
"""Whose claims are believed: all three, or none."""
_UNKNOWN_SERVICE = "unknown_service"
"""OpenTelemetry's `service.name` of a service without one ("Service resource", semantic conventions)."""
_MIN_CREDENTIAL = 16
"""Characters. A header value of letters alone that is shorter is a word."""


def variable(
    name: str,
    parse: Callable[[str], T],
    default: T,
    *,
    fallback: str | None = None,
    substitute: str | None = None,
) -> T:
    """Declare a field read from the variable `name`, else from `fallback`; absent or empty variables mean `default`.

    A variable that other tools read too has a `substitute`, the description of its default: that is used in place of an
    unusable value, unless a part of the value is usable (`PartlyUsableError`).
    """
    metadata = {"variable": name, "fallback": fallback, "parse": parse, "substitute": substitute}
    declaration: T = field(default=default, metadata=metadata)
    return declaration


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The validated settings of one process. A sink is on when the setting that it needs is present."""

    flask_app: str = variable(Variable.FLASK_APP, str, "")
    environment: str = variable(Variable.DEPLOYMENT_ENVIRONMENT, parsing.plain_text, "local")
    version: str = variable(Variable.SERVICE_VERSION, parsing.version, "unknown", substitute="unknown")
    health_check_path: str = variable(Variable.HEALTH_CHECK_PATH, name_parsing.url_path, RUNTIME_HEALTH_CHECK_PATH)
    fault_routes: bool = variable(Variable.FAULT_ROUTES, parsing.boolean, False)
    alb_arn: str | None = variable(Variable.ALB_ARN, aws_parsing.load_balancer_arn, None)
    alb_oidc_issuer: str = variable(Variable.ALB_OIDC_ISSUER, aws_parsing.issuer, "")
    alb_oidc_client_id: str = variable(Variable.ALB_OIDC_CLIENT_ID, parsing.client_id, "")
    alb_public_keys_url: str | None = variable(Variable.ALB_PUBLIC_KEYS_URL, aws_parsing.public_keys_url, None)
    trust_user_header: bool = variable(Variable.TRUST_USER_HEADER, parsing.boolean, False)
    user_header: str = variable(Variable.USER_HEADER, name_parsing.header_name, "X-User")
    frontend_origins: frozenset[str] = variable(
        Variable.FRONTEND_URL, parsing.origins, frozenset(), substitute="no origin but the service's own"
    )
    backend_origins: frozenset[str] = variable(
        Variable.BACKEND_URL, parsing.origins, frozenset(), substitute="no origin but the service's own"
    )
    trace_url: str | None = variable(Variable.TRACE_URL, parsing.trace_url, None)
    bind_host: str = variable(Variable.BIND_HOST, parsing.bind_host, "127.0.0.1")
    port: int = variable(Variable.PORT, parsing.port, CONTAINER_PORT, substitute=str(CONTAINER_PORT))
    workers: int = variable(Variable.WEB_CONCURRENCY, parsing.process_count, 1, substitute="1")
    threads: int = variable(Variable.WEB_THREADS, parsing.process_count, 8)
    shutdown_deadline: float = variable(
        Variable.TELEMETRY_SHUTDOWN_DEADLINE, parsing.seconds(MAX_SHUTDOWN_DEADLINE_SECONDS), SHUTDOWN_DEADLINE_SECONDS
    )
    log_level: str = variable(Variable.LOG_LEVEL, parsing.log_level, "INFO", substitute="INFO")
    log_console: bool = variable(Variable.LOG_CONSOLE, parsing.boolean, True)
    health_check_detail: bool = variable(Variable.HEALTH_CHECK_DETAIL, parsing.boolean, False)
    browser_relay: bool = variable(Variable.BROWSER_RELAY, parsing.boolean, True)
    redact_names: frozenset[str] = variable(Variable.REDACT_NAMES, parsing.field_names, frozenset())
    baggage_hosts: frozenset[str] = variable(Variable.BAGGAGE_HOSTS, parsing.host_names, frozenset())

    service_name: str = variable(
        Variable.OTEL_SERVICE_NAME, name_parsing.service_name, _UNKNOWN_SERVICE, substitute="the name of the app"
    )
    frontend_name: str | None = variable(Variable.FRONTEND_SERVICE_NAME, name_parsing.service_name, None)
    namespace: str | None = variable(Variable.METRICS_NAMESPACE, name_parsing.metrics_namespace, None)
    otel_sdk_disabled: bool = variable(Variable.OTEL_SDK_DISABLED, parsing.boolean, False, substitute="false")
    disabled_instrumentations: frozenset[str] = variable(
        Variable.OTEL_PYTHON_DISABLED_INSTRUMENTATIONS,
        parsing.instrumentation_names,
        frozenset(),
        substitute="none: every instrumentation is on",
    )
    trace_exporters: frozenset[str] = variable(
        Variable.OTEL_TRACES_EXPORTER,
        parsing.choices("otlp", "console", "none"),
        frozenset({"otlp"}),
        substitute="otlp",
    )
    otlp_endpoint: str | None = variable(
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT,
        parsing.otlp_endpoint,
        None,
        substitute="none: no spans are exported by OTLP",
    )
    otlp_headers: Secret[Mapping[str, str]] = variable(
        Variable.OTEL_EXPORTER_OTLP_HEADERS, parsing.secret_headers, Secret({}), substitute="none"
    )
    otlp_protocol: str = variable(
        Variable.OTEL_EXPORTER_OTLP_PROTOCOL,
        parsing.choice("http/json", "http/protobuf"),
        "http/json",
        substitute="http/json, which a collector takes at its HTTP port, 4318",
    )
    honeycomb_api_key: Secret[str] | None = variable(Variable.HONEYCOMB_API_KEY, parsing.secret, None)
    honeycomb_keep_everything: bool = variable(Variable.HONEYCOMB_KEEP_EVERYTHING, parsing.boolean, False)

    aws_region: str | None = variable(
        Variable.AWS_REGION,
        aws_parsing.aws_region,
        None,
        fallback=Variable.AWS_DEFAULT_REGION,
        substitute="the region of the AWS configuration",
    )
    xray_daemon_address: DaemonAddress | None = variable(
        Variable.AWS_XRAY_DAEMON_ADDRESS, aws_parsing.daemon_address, None, substitute="none: no segments are sent"
    )
    xray_tracing_name: str | None = variable(
        Variable.AWS_XRAY_TRACING_NAME, aws_parsing.segment_name, None, substitute="the name of the service"
    )
    xray_url: str | None = variable(Variable.AWS_XRAY_URL, parsing.plain_text, None)
    xray_origin: str | None = variable(Variable.XRAY_ORIGIN, aws_parsing.origin, None)
    sampling_rule: SamplingRule | None = variable(Variable.XRAY_SAMPLING_RULE, parsing.sampling_rule, None)

    slow_seconds: float = variable(Variable.TAIL_SAMPLING_SLOW_SECONDS, parsing.seconds(3600), SLOW_SECONDS)
    tail_per_second: int = variable(Variable.TAIL_SAMPLING_PER_SECOND, parsing.natural_number, TAIL_SAMPLING_PER_SECOND)

    log_group: str | None = variable(Variable.CLOUDWATCH_LOG_GROUP, aws_parsing.log_group_name, None)

    rollbar_access_token: Secret[str] | None = variable(Variable.ROLLBAR_ACCESS_TOKEN, parsing.secret, None)
    rollbar_endpoint: str = variable(Variable.ROLLBAR_ENDPOINT, parsing.rollbar_endpoint, ROLLBAR_API)

    other_credentials: Secret[Mapping[str, tuple[str, ...]]] = field(default=Secret({}), compare=False)
    """The credentials in variables that are no settings, as AWS_SECRET_ACCESS_KEY and HTTPS_PROXY, by variable."""
    unusable_variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    """By variable that other tools read too: the message about its unusable value, with what is used instead."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, ignore: frozenset[str] = frozenset()) -> Settings:
        """Read and validate every contract variable except those in `ignore`, which belong to the host application.

        Raises `SettingsError`, which lists all invalid variables, their values (never a secret's) and what to set. If
        all of them are variables that other tools read too, they are in `unusable_variables` instead.
        """
        values, unusable = _read(cls, os.environ if environ is None else environ, ignore)
        credentials = _other_credentials(environ, _NAMES - ignore - unusable.keys())
        return cls(**values, unusable_variables=unusable, other_credentials=Secret(credentials))

    def named_after(self, app: str) -> Settings:
        """Return the settings of a service with the name of its app, unless `OTEL_SERVICE_NAME` names it."""
        return replace(self, service_name=app) if self.service_name == _UNKNOWN_SERVICE else self

    @property
    def xray_service_name(self) -> str:
        """The name of X-Ray segments, by default the service's."""
        return self.xray_tracing_name or name_parsing.segment_name_of(self.service_name)

    @property
    def frontend_service_name(self) -> str:
        """The `service.name` of the browser's spans, and the only one that the relay accepts."""
        return self.frontend_name or f"{self.service_name}-frontend"

    @property
    def metrics_namespace(self) -> str:
        """The CloudWatch namespace of the metrics that are extracted from log lines."""
        return self.namespace or name_parsing.namespace_of(self.service_name, self.environment)

    def __repr__(self) -> str:
        """Return the fields, texts as `masked` shows them: a key may have been pasted into any of them."""
        shown = (f"{each.name}={_shown(getattr(self, each.name))}" for each in fields(self))
        return f"{type(self).__name__}({', '.join(shown)})"

    def secrets(self) -> dict[str, tuple[str, ...]]:
        """Return the values of every secret by each name it goes by: field, variable, and header where it is one.

        A setting is secret because its type is `Secret`: nothing lists them. Of headers, those that name what is public
        anyway are left out, as `x-honeycomb-dataset=orders` does: to redact it would redact the service's name.
        """
        public = {str(getattr(self, each.name)) for each in fields(self)}
        others = self.other_credentials.reveal()
        secrets = {
            name: texts for name, values in others.items() if (texts := tuple(v for v in values if v not in public))
        }
        for each in _variables(self):
            value = getattr(self, each.name)
            if not isinstance(value, Secret):
                continue
            revealed = value.reveal()
            if isinstance(revealed, Mapping):
                private = {name: text for name, text in revealed.items() if not (text in public or _is_word(text))}
                secrets |= {name: (text,) for name, text in private.items()}
                values = tuple(private.values())
            else:
                values = (str(revealed),)
            if values:
                variable = str(each.metadata["variable"])
                # Of a variable that is partly usable, the other credentials are what else it holds.
                secrets |= {each.name: values, variable: (*values, *secrets.get(variable, ()))}
        return secrets


def _is_word(text: str) -> bool:
    """Return whether `text` is a short word, such as `production`, and not a credential."""
    return len(text) < _MIN_CREDENTIAL and text.replace("-", "").replace("_", "").isalpha()


def _variables(settings: Settings | type[Settings]) -> Iterator[Field[Any]]:
    """Yield the fields that are read from a variable each."""
    return (each for each in fields(settings) if "variable" in each.metadata)


def _other_credentials(environ: Mapping[str, str] | None, read: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Return the credentials in this process's variables and those of `environ` that are not `read` as settings.

    This process's in any case, as libraries read them there. A mapping of another class may offer no iteration.
    """
    variables = {**os.environ, **(environ if isinstance(environ, dict) else {})}
    return credentials_of({name: text for name, text in variables.items() if name not in read})


def _shown(value: object) -> str:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_shown, value)))}}}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))})"
    if isinstance(value, DaemonAddress | SamplingRule):
        return f"{type(value).__name__}{_shown(astuple(value))}"
    return repr(value)  # a number, a truth value, None or a `Secret`


def unset_empty_variables() -> None:
    """Remove the contract's empty variables from this process's environment.

    The service treats an empty variable as absent; the X-Ray SDK and botocore, which read some of them too, would take
    it as a value.
    """
    for name in Variable:
        if not os.environ.get(name, "unset").strip():
            del os.environ[name]


def _read(
    settings: type[Settings], environ: Mapping[str, str], ignore: frozenset[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by field, and the messages of shared variables that cannot be used, by variable."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    unusable: dict[str, str] = {}
    for each in _variables(settings):
        names = [name for name in (each.metadata["variable"], each.metadata["fallback"]) if name not in {None, *ignore}]
        texts = {name: text for name in names if (text := environ.get(name, "").strip())}
        for name, text in texts.items():
            try:
                values[each.name] = each.metadata["parse"](text)
            except ValueError as error:
                substitute = each.metadata["substitute"]
                if substitute is None:
                    problems[name] = f"{name}: {error}"
                    break
                if isinstance(error, parsing.PartlyUsableError) and error.usable:
                    values[each.name], substitute = error.usable, error.substitute
                unusable[name] = f"{name}: {error} (used instead: {substitute})"
            if each.name in values:
                break
    if not problems:
        problems |= _incomplete_signer(values)
    if problems:
        raise parsing.SettingsError([*problems.values(), *unusable.values()])
    return values, unusable


def _incomplete_signer(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what is missing to verify a load balancer's claims, where a part of it is there."""
    missing = [variable for name, variable in _ALB_VARIABLES.items() if name not in values]
    if len(missing) == len(_ALB_VARIABLES):
        return {}
    names = ", ".join(_ALB_VARIABLES.values())
    remedy = f"set all of {names}, or none to believe no claims"
    return {variable: f"{variable}: it is empty: {remedy}" for variable in missing}
