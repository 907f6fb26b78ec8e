"""Configure the telemetry of one app with plain values: nothing here reads the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Secret(Generic[T]):
    """Hold a value that never shows in a `repr`, a log line or an error report; `reveal()` returns it.

    `is_placeholder` marks a value that is not filled in yet: its sink stays off.
    """

    _value: T
    is_placeholder: bool = False

    def reveal(self) -> T:
        """Return the value itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"


@dataclass(frozen=True, slots=True)
class DaemonAddress:
    """Where the X-Ray daemon receives segments (UDP) and answers sampling requests (TCP)."""

    udp: tuple[str, int]
    tcp: tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRule:
    """An X-Ray sampling rule, as `aws xray create-sampling-rule` takes it.

    `reservoir_size` is the number of requests a second that are kept before `fixed_rate` (0 to 1) applies to the rest.
    """

    name: str
    fixed_rate: float
    reservoir_size: int
    service_name: str = "*"
    host: str = "*"
    http_method: str = "*"
    url_path: str = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How requests are sampled: by the rules that `daemon` (host and TCP port) serves, by `rule` without them.

    Without a rule every request is sampled. `service_name` is the service that rules match.
    """

    service_name: str = ""
    rule: SamplingRule | None = None
    daemon: tuple[str, int] | None = None
    record_unsampled: bool = False
    """Whether the spans of requests that are not sampled are recorded too, for the sinks that take them."""
    slow_seconds: float = 1.0
    """The duration from which on a request is kept, whatever the rule says; so is one that fails."""
    tail_per_second: int = 200
    """How many such requests a second are kept in each process before they are sampled; 0 leaves all to the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropMetric:
    """The CloudWatch metric of dropped items: its namespace, its name, and the dimension that names the sink."""

    namespace: str
    name: str
    dimension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """The configuration of one app's telemetry."""

    service_name: str
    access_logger: str
    """The `logger` of the one line that each request writes."""
    trace_id_header: str
    """The response header that carries the trace id."""
    service_version: str = "unknown"
    environment: str = "local"
    log_level: str = "INFO"
    quiet_paths: frozenset[str] = frozenset()
    """Paths whose requests have an access line only if they fail."""
    user_of: Callable[[Mapping[str, Any]], str | None] | None = None
    """Returns the user of a request from its WSGI environment, on the request's thread, and does not raise; None where
    no header is trusted to name one."""
    shutdown_deadline: float = 10.0
    """Seconds in which all sinks together flush at exit."""
    drop_metric: DropMetric | None = None
    sampling: SamplingConfig = SamplingConfig()
    redact_names: frozenset[str] = frozenset()
    """Further names of fields, headers and parameters whose values no sink sends."""
    baggage_hosts: frozenset[str] = frozenset()
    """Hosts to which outgoing requests carry the caller's `baggage`, lower-case; no other host gets it."""
    disabled_instrumentations: frozenset[str] = frozenset()
    """OpenTelemetry's instrumentations that stay off, by the names of their entry points; `*` means all."""
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Every secret of the process, values by name: no sink sends one of them."""
    unusable_variables: Mapping[str, str] = field(default_factory=dict)
    """What is used in place of values of the environment that cannot be, a message for each variable: each is logged
    as a warning, and the health check shows it."""
    sinks: tuple[Any, ...] = ()
    """The `Config` of each sink that `flask_onetrace.telemetry.sinks` lists; a sink without one is off."""
