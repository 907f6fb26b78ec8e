"""The limits that a service meets: their values, from `limits.toml` and the template, and how a load uses them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from operations.cost.units import HOUR_SECONDS, HOURS, MILLION, MINUTE_SECONDS
from operations.errors import OperatorError
from operations.scale.load import SINK_TIMEOUT, Load
from operations.scale.service import ScaledService

FILE: Final = Path(__file__).with_name("limits.toml")
LOG_QUEUE: Final = 20_000
SPAN_QUEUE: Final = 4_096
"""Items of a process's queue (`_CAPACITY` of the CloudWatch sink, `capacity` of `ExportQueue`)."""

_MOST: Final = 1e15
"""Of what a limit of one's own may be."""

Amount = Callable[[Load], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit. `value` and `use` are in `unit`; a limit that nobody publishes has no value."""

    key: str
    name: str
    unit: str
    scope: str
    """What has the limit: an account in a region, a task, a process."""
    adjustable: bool | None
    """Whether it is raised on request, or by a setting; None where no source says so."""
    formula: str
    remedy: str
    """The setting, quota or design change that gives more room."""
    source: str
    """URL, or the path of a file of this project."""
    title: str
    read_on: date
    """Of a stored copy of the page."""
    quoted: bool
    """Whether only texts that quote the page were read, and not itself."""
    note: str
    phrase: str
    """How a sentence names it with its value, as `the maximum of {value} tasks`; empty takes name, value and unit."""
    value: Amount | None = field(repr=False)
    use: Amount = field(repr=False)

    def used(self, load: Load) -> float:
        """Return the share of the limit that `load` uses: 1 is all of it. Of one without a value it is 0."""
        return 0.0 if self.value is None else self.use(load) / self.value(load)


FROM_TEMPLATE: Final[Mapping[str, Amount]] = {
    "autoscaling-maximum": lambda load: load.service.scaling.maximum,
    "task-cpu": lambda load: load.task_capacity,
    "threads": lambda load: load.service.workers * load.service.threads,
    "task-memory": lambda load: load.service.app_memory,
    "subnet-addresses": lambda load: load.service.addresses or 0,
    "daemon-cpu": lambda load: load.service.daemon_cpu,
    "daemon-buffers": lambda load: load.service.daemon_buffers,
    "log-queue": lambda _load: LOG_QUEUE,
    "span-queue": lambda _load: SPAN_QUEUE,
}
"""Values that are settings of the deployed service."""

USES: Final[Mapping[str, Amount]] = {
    "autoscaling-maximum": lambda load: load.tasks,
    "task-cpu": lambda load: load.requests / load.tasks,
    "threads": lambda load: load.requests * load.latency / load.tasks,
    "task-memory": lambda load: load.service.workers * load.measured.worker_memory,
    "fargate-vcpu": lambda load: load.deploying_vcpu * (1 - load.spot_share),
    "fargate-spot-vcpu": lambda load: load.deploying_vcpu * load.spot_share,
    "fargate-launches": lambda load: load.launches,
    "service-tasks": lambda load: load.tasks,
    "alb-targets": lambda load: load.deploying_tasks,
    "subnet-addresses": lambda load: load.deploying_tasks,
    "network-interfaces": lambda load: load.deploying_tasks,
    "ecr-public-pulls": lambda load: load.launches_per_second * load.service.public_images,
    "ecr-pulls": lambda load: load.launches_per_second,
    "secret-reads": lambda load: load.launches_per_second * load.service.secrets,
    "kms-decrypts": lambda load: load.launches_per_second * load.service.secrets,
    "put-log-events": lambda load: load.log_calls,
    "put-log-events-bytes": lambda load: load.log_call_bytes,
    "xray-segments": lambda load: load.segments,
    "xray-trace-bytes": lambda load: load.measured.segment,
    "daemon-cpu": lambda load: load.daemon_cpu,
    "daemon-buffers": lambda load: load.daemon_segments,
    "nat-bandwidth": lambda load: load.nat_bytes * 8 / 1e9,
    "nat-packets": lambda load: load.nat_packets,
    "nat-connections": lambda load: load.nat_connections,
    "log-queue": lambda load: load.lines_of_process * SINK_TIMEOUT,
    "span-queue": lambda load: load.sampled / load.processes * load.measured.spans * SINK_TIMEOUT,
    "metric-filters": lambda load: load.service.metric_filters,
    "rollbar-calls": lambda load: load.rollbar_items * MINUTE_SECONDS,
    "sampling-calls": lambda load: load.sampling_calls,
    "put-trace-segments": lambda load: load.segment_calls,
    "log-bytes": lambda load: load.log_bytes / MILLION,
    "alb-bytes": lambda load: load.requests * load.measured.request / MILLION,
    "honeycomb-events": lambda load: load.sampled * load.measured.spans * HOURS * HOUR_SECONDS / MILLION,
}


def limits_of(service: ScaledService, own: Path | None = None) -> Sequence[Limit]:
    """Return the limits that `service` meets, with the values of the file `own` in place of the defaults.

    Raises `OperatorError` for a file that is malformed or names a limit that there is not.
    """
    values = _own_values(own) if own else {}
    absent = {key for key in USES if key.startswith("nat-") and service.nat_gateways == 0}
    absent |= {"subnet-addresses"} if service.addresses is None else set()
    absent |= {"fargate-spot-vcpu"} if service.spot_share == 0 else set()
    absent |= {"ecr-public-pulls"} if service.public_images == 0 else set()
    return [
        _limit(key, table, values.get(key))
        for key, table in tomllib.loads(FILE.read_text(encoding="utf-8")).items()
        if key not in absent
    ]


def _limit(key: str, table: Mapping[str, Any], own: float | None) -> Limit:
    value = FROM_TEMPLATE.get(key)
    default = own if own is not None else table.get("value")
    if default is not None:
        value = _constant(float(default))
    texts = {name: str(table[name]) for name in ("name", "unit", "scope", "formula", "remedy", "source", "title")}
    return Limit(
        key=key,
        phrase=str(table.get("phrase", "")),
        adjustable=table.get("adjustable"),
        read_on=table["read"],
        quoted=table.get("quoted", False),
        note=str(table.get("note", "")),
        value=value,
        use=USES[key],
        **texts,
    )


def _constant(value: float) -> Amount:
    return lambda _load: value


def _own_values(path: Path) -> Mapping[str, float]:
    remedy = "Write lines such as `fargate-vcpu = 4000`, with the keys of operations/scale/limits.toml."
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OperatorError(f"LIMITS={str(path)!r} cannot be read: {error}", remedy) from error
    for key, value in values.items():
        if key not in USES:
            raise OperatorError(f"LIMITS={str(path)!r} has {key!r}, which is no limit", remedy)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MOST:
            raise OperatorError(f"LIMITS={str(path)!r} has {key} = {value!r}, which is no positive number", remedy)
    return values
