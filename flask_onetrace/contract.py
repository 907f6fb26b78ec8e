"""Name what the infrastructure and the service share.

Both halves import this module and nothing else of each other, so it imports only the
standard library, and as little of it as it can: the container's health check pays for it every ten seconds. A name that
AWS, Honeycomb or Rollbar displays is defined only here.
"""

from __future__ import annotations

from enum import StrEnum

TYPE_CHECKING = False  # instead of typing's, whose import costs as much as the rest
if TYPE_CHECKING:
    from typing import Final

LONGEST_VERSION: Final = 40
"""Characters that Rollbar accepts as an item's `code_version` and a deploy's `revision`; an item belongs to the deploy
of the same version (Rollbar API reference, "Create an item" and "Report a deploy")."""

VERSION_PATTERN: Final = rf"[A-Za-z0-9_.+-]{{1,{LONGEST_VERSION}}}"
"""What a version may be: what `git describe` prints of a commit or a tag, without what a shell would read."""
DROPPED_METRIC: Final = "Dropped"
"""Dropped items, in total and by sink (`SINK_DIMENSION`)."""
SINK_DIMENSION: Final = "sink"
SAMPLED_METRIC: Final = "SampledShare"
"""The average share of sampled requests, 0 to 1."""
ACCESS_LOGGER: Final = "flask_onetrace.access"
"""The `logger` of the one line that each request writes."""

THREADS_LOGGER: Final = "flask_onetrace.threads"
"""The `logger` of the line that each worker writes once a minute while its threads are scarce."""
THREADS_BUSY_METRIC: Final = "ThreadsBusy"
REQUESTS_WAITING_METRIC: Final = "RequestsWaiting"
QUEUE_SECONDS_METRIC: Final = "QueueSeconds"
"""Maxima of a worker: its busy threads, the requests that wait for one, and the seconds that one has waited."""

# Plain strings, not a StrEnum: orjson rejects subclasses of `str` as keys.
LOGGER_FIELD: Final = "logger"
PATH_FIELD: Final = "path"
SAMPLED_FIELD: Final = "sampled"
THREADS_BUSY_FIELD: Final = "threads_busy"
THREADS_TOTAL_FIELD: Final = "threads_total"
REQUESTS_WAITING_FIELD: Final = "requests_waiting"
QUEUE_SECONDS_FIELD: Final = "queue_seconds"
"""The fields of a log line's JSON object that metric filters read."""

CONFIGURED_NAME_ANNOTATION: Final = "service_name"
"""The annotation with the configured name of a segment that is named after its host: the group filters by it."""

CONTAINER_PORT: Final = 4567
DEFAULT_APP_FILES: Final = ("wsgi.py", "app.py")
"""The files in which Flask looks for an application without `FLASK_APP` ("Application Discovery", Flask)."""
SERVER_CONFIG: Final = "python:flask_onetrace.gunicorn_conf"
SERVER_APP: Final = "flask_onetrace.wsgi:build()"
"""The configuration and the application that gunicorn is started with, wherever the package is installed: the latter
loads what `FLASK_APP` names."""
XRAY_DAEMON_CONTAINER_NAME: Final = "xray-daemon"
XRAY_DAEMON_PORT: Final = 2000
"""UDP for segments and TCP for the sampling proxy, the daemon's own defaults."""

RUNTIME_HEALTH_CHECK_PATH: Final = "/_onetrace/health"
RUNTIME_PROBE_PATH: Final = "/_onetrace/probe"
RUNTIME_FAULT_PATH: Final = "/_onetrace/fault"
RUNTIME_SLOW_PATH: Final = "/_onetrace/slow"
"""What the runtime serves itself ahead of every application: the health check, a traced 200, and with
`FAULT_ROUTES` a traced failure and a slow 200."""

RELAY_PATH: Final = "/v1/traces"

OIDC_DATA_HEADER: Final = "X-Amzn-Oidc-Data"
"""The user's claims, signed by a load balancer that authenticates users ("Authenticate users", ALB documentation)."""

TRACE_ID_HEADER: Final = "X-Trace-Id"
"""The response header that carries the trace id, as 32 hex digits."""

TRACE_ID_FIELD: Final = "{trace_id}"
XRAY_TRACE_ID_FIELD: Final = "{xray_trace_id}"
"""Where `TRACE_URL` has the trace id: as 32 hex digits, and in X-Ray's format."""

HONEYCOMB_API: Final = "https://api.honeycomb.io"
ROLLBAR_API: Final = "https://api.rollbar.com/api/1/"

SECRET_PLACEHOLDER: Final = "replace-me"
"""The value of a secret until `make secrets` sets it: the service turns that sink off."""

STOP_TIMEOUT_SECONDS: Final = 30
"""How long ECS waits between SIGTERM and SIGKILL. The telemetry's shutdown deadline must stay below."""

SHUTDOWN_DEADLINE_SECONDS: Final = 10.0
"""How long all sinks together may flush at exit."""
MAX_SHUTDOWN_DEADLINE_SECONDS: Final = STOP_TIMEOUT_SECONDS - 5
"""The rest is for open requests and for the processes to exit."""


SLOW_SECONDS: Final = 1.0
"""The duration from which on a request is slow: to the alarm, to the X-Ray group, and to tail sampling."""
TAIL_SAMPLING_PER_SECOND: Final = 200
"""Failed or slow requests a second that each process keeps whatever the sampling rule says."""


class Variable(StrEnum):
    """Every environment variable that the service reads and the task definition sets.

    `USER_HEADER` names the header in which callers name their user: any client can set it, so it is read only if
    `TRUST_USER_HEADER` is true. `FRONTEND_SERVICE_NAME` is the `service.name` of the browser's spans. `TRACE_URL` is
    where a page links a trace to, with `TRACE_ID_FIELD` or `XRAY_TRACE_ID_FIELD` in the id's place.
    """

    FLASK_APP = "FLASK_APP"
    HEALTH_CHECK_PATH = "HEALTH_CHECK_PATH"
    USER_HEADER = "USER_HEADER"
    FRONTEND_SERVICE_NAME = "FRONTEND_SERVICE_NAME"
    METRICS_NAMESPACE = "METRICS_NAMESPACE"
    DEPLOYMENT_ENVIRONMENT = "DEPLOYMENT_ENVIRONMENT"
    SERVICE_VERSION = "SERVICE_VERSION"
    FAULT_ROUTES = "FAULT_ROUTES"
    ALB_ARN = "ALB_ARN"
    ALB_OIDC_ISSUER = "ALB_OIDC_ISSUER"
    ALB_OIDC_CLIENT_ID = "ALB_OIDC_CLIENT_ID"
    ALB_PUBLIC_KEYS_URL = "ALB_PUBLIC_KEYS_URL"
    TRUST_USER_HEADER = "TRUST_USER_HEADER"
    FRONTEND_URL = "FRONTEND_URL"
    BACKEND_URL = "BACKEND_URL"
    TRACE_URL = "TRACE_URL"
    BIND_HOST = "BIND_HOST"
    PORT = "PORT"
    WEB_CONCURRENCY = "WEB_CONCURRENCY"
    WEB_THREADS = "WEB_THREADS"
    TELEMETRY_SHUTDOWN_DEADLINE = "TELEMETRY_SHUTDOWN_DEADLINE"
    LOG_LEVEL = "LOG_LEVEL"
    LOG_CONSOLE = "LOG_CONSOLE"
    HEALTH_CHECK_DETAIL = "HEALTH_CHECK_DETAIL"
    BROWSER_RELAY = "BROWSER_RELAY"
    REDACT_NAMES = "REDACT_NAMES"
    BAGGAGE_HOSTS = "BAGGAGE_HOSTS"

    OTEL_SERVICE_NAME = "OTEL_SERVICE_NAME"
    OTEL_SDK_DISABLED = "OTEL_SDK_DISABLED"
    OTEL_PYTHON_DISABLED_INSTRUMENTATIONS = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
    OTEL_TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"
    OTEL_EXPORTER_OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
    OTEL_EXPORTER_OTLP_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
    OTEL_EXPORTER_OTLP_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
    HONEYCOMB_API_KEY = "HONEYCOMB_API_KEY"
    HONEYCOMB_KEEP_EVERYTHING = "HONEYCOMB_KEEP_EVERYTHING"

    AWS_REGION = "AWS_REGION"
    AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION"
    AWS_XRAY_DAEMON_ADDRESS = "AWS_XRAY_DAEMON_ADDRESS"
    AWS_XRAY_TRACING_NAME = "AWS_XRAY_TRACING_NAME"
    AWS_XRAY_URL = "AWS_XRAY_URL"
    XRAY_ORIGIN = "XRAY_ORIGIN"
    XRAY_SAMPLING_RULE = "XRAY_SAMPLING_RULE"
    TAIL_SAMPLING_SLOW_SECONDS = "TAIL_SAMPLING_SLOW_SECONDS"
    TAIL_SAMPLING_PER_SECOND = "TAIL_SAMPLING_PER_SECOND"

    CLOUDWATCH_LOG_GROUP = "CLOUDWATCH_LOG_GROUP"

    ROLLBAR_ACCESS_TOKEN = "ROLLBAR_ACCESS_TOKEN"
    ROLLBAR_ENDPOINT = "ROLLBAR_ENDPOINT"


class SecretName(StrEnum):
    """The Secrets Manager entries of every application, named `<environment>/<application>/<this>`."""

    HONEYCOMB_API_KEY = "honeycomb-api-key"
    ROLLBAR_ACCESS_TOKEN = "rollbar-access-token"
    HONEYCOMB_CONFIGURATION_KEY = "honeycomb-configuration-key"
    """Used by `make honeycomb` and `make deploy`; the service never gets it."""


SECRET_OF: Final[dict[Variable, SecretName]] = {
    Variable.HONEYCOMB_API_KEY: SecretName.HONEYCOMB_API_KEY,
    Variable.ROLLBAR_ACCESS_TOKEN: SecretName.ROLLBAR_ACCESS_TOKEN,
}
"""The variables that the container gets as secrets, with their entries."""

CONFIGURATION_KEY_VARIABLE: Final = "HONEYCOMB_CONFIGURATION_KEY"
SECRET_SOURCES: Final = {str(variable): entry for variable, entry in SECRET_OF.items()} | {
    CONFIGURATION_KEY_VARIABLE: SecretName.HONEYCOMB_CONFIGURATION_KEY
}
"""Every entry, by the variable from which `make secrets` reads its key."""


class Output(StrEnum):
    """The stack outputs that people and `make` read."""

    URL = "Url"
    LOG_GROUP = "LogGroup"
    XRAY_CONSOLE = "XRayConsole"
    CLUSTER = "Cluster"
    SERVICE = "Service"
    TASK_DEFINITION = "TaskDefinition"
    TARGET_GROUP = "TargetGroup"
    LOAD_BALANCER = "LoadBalancer"
    LOAD_BALANCER_DNS_NAME = "LoadBalancerDnsName"
    DASHBOARD = "Dashboard"


def is_version(text: str) -> bool:
    """Return whether `text` may be deployed as a version."""
    import re  # noqa: PLC0415 - for the reason above

    return re.fullmatch(VERSION_PATTERN, text) is not None
