"""The limits of a service: their values, from `limits.toml` and the template, and how much of them a load uses."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from operations.cost.scaling import UNITS
from operations.cost.units import HOUR_SECONDS, HOURS, MILLION, MINUTE_SECONDS
from operations.errors import OperatorError
from operations.scale.load import Load
from operations.scale.service import ScaledService

FILE: Final = Path(__file__).with_name("limits.toml")
SINK_TIMEOUT: Final = 8.0
"""Seconds that a call of a sink takes at most (`_TOTAL_TIMEOUT`, flask_onetrace/telemetry/export/http.py)."""
POLLING_INTERVALS: Final = (10.0, 300.0)
"""Seconds between two polls of a process, of the sampling targets and of the rules (`PollingIntervals`)."""
_DAEMON_TIMEOUT: Final = 2.0
"""Seconds of an upload of the X-Ray daemon (pkg/cfg/cfg.go)."""
_DAEMON_CPU: Final = 0.094 * UNITS / 1000
"""CPU units for each segment a second: 9.4 % of a vCPU at 1,000."""
_PACKET: Final = 1500
"""Bytes: the largest packet on the internet's links (RFC 894). Each is acknowledged by another one."""
_MAX_QUOTA: Final = 1e15

Amount = Callable[[Load], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit. `value` and `use` are in `unit`; a limit that nobody publishes has no value."""

    key: str
    name: str
    unit: str
    scope: str
    """What has the limit: an account in a region, a task, a process."""
    formula: str
    remedy: str
    """The setting, quota or design change that gives more room."""
    source: str
    """URL, or the path of a file of this project."""
    title: str
    read_on: date
    """Of a stored copy of the page."""
    adjustable: bool | None = None
    """Whether it is raised on request, or by a setting; None where no source says so."""
    quoted: bool = False
    """Whether only texts that quote the page were read, and not itself."""
    note: str = ""
    phrase: str = ""
    """How a sentence names it with its value, as `the maximum of {value} tasks`; empty takes name, value and unit."""
    value: Amount | None = field(repr=False)
    use: Amount = field(repr=False)

    def utilization(self, load: Load) -> float:
        """Return the share of the limit that `load` uses: 1 is all of it. Of one without a value it is 0."""
        return 0.0 if self.value is None else self.use(load) / self.value(load)


class Formula(NamedTuple):
    """How the use of a limit is calculated, and its value where that is a setting of the template."""

    use: Amount
    setting: Amount | None = None


FORMULAS: Final[Mapping[str, Formula]] = {
    "autoscaling-maximum": Formula(lambda load: load.tasks, lambda load: load.service.scaling.maximum),
    "task-cpu": Formula(
        lambda load: load.requests / load.tasks,
        lambda load: load.service.scaling.serving_vcpu * load.measured.requests_per_vcpu,
    ),
    "threads": Formula(
        lambda load: load.requests * load.latency / load.tasks,
        lambda load: load.service.workers * load.service.threads,
    ),
    "task-memory": Formula(
        lambda load: load.service.workers * load.measured.worker_memory, lambda load: load.service.app_memory
    ),
    "fargate-vcpu": Formula(lambda load: load.deploying_tasks * load.service.scaling.vcpu * (1 - load.spot_share)),
    "fargate-spot-vcpu": Formula(lambda load: load.deploying_tasks * load.service.scaling.vcpu * load.spot_share),
    "fargate-launches": Formula(lambda load: load.launches),
    "service-tasks": Formula(lambda load: load.tasks),
    "alb-targets": Formula(lambda load: load.deploying_tasks),
    "subnet-addresses": Formula(lambda load: load.deploying_tasks, lambda load: load.service.addresses or 0),
    "network-interfaces": Formula(lambda load: load.deploying_tasks),
    "ecr-public-pulls": Formula(lambda load: load.launches / MINUTE_SECONDS * load.service.public_images),
    "ecr-pulls": Formula(lambda load: load.launches / MINUTE_SECONDS),
    "secret-reads": Formula(lambda load: load.launches / MINUTE_SECONDS * load.service.secrets),
    "kms-decrypts": Formula(lambda load: load.launches / MINUTE_SECONDS * load.service.secrets),
    "put-log-events": Formula(lambda load: load.log_calls),
    "put-log-events-bytes": Formula(lambda load: load.log_bytes / load.log_calls),
    "xray-segments": Formula(lambda load: load.segments),
    "xray-trace-bytes": Formula(lambda load: load.measured.segment),
    "daemon-cpu": Formula(lambda load: load.segments_per_task * _DAEMON_CPU, lambda load: load.service.daemon_cpu),
    "daemon-buffers": Formula(
        lambda load: load.segments_per_task * _DAEMON_TIMEOUT, lambda load: load.service.daemon_buffers
    ),
    "nat-bandwidth": Formula(lambda load: load.nat_bytes * 8 / 1e9),
    "nat-packets": Formula(lambda load: 2 * load.nat_bytes / _PACKET),
    "nat-connections": Formula(lambda load: load.nat_connections),
    "log-queue": Formula(lambda load: load.lines_of_process * SINK_TIMEOUT),
    "span-queue": Formula(lambda load: load.sampled_requests / load.processes * load.measured.spans * SINK_TIMEOUT),
    "metric-filters": Formula(lambda load: load.service.metric_filters),
    "rollbar-calls": Formula(lambda load: load.rollbar_items * MINUTE_SECONDS),
    "sampling-calls": Formula(lambda load: load.processes * sum(1 / each for each in POLLING_INTERVALS)),
    "put-trace-segments": Formula(lambda load: load.segment_calls),
    "log-bytes": Formula(lambda load: load.log_bytes / MILLION),
    "alb-bytes": Formula(lambda load: load.requests * load.measured.request / MILLION),
    "honeycomb-events": Formula(
        lambda load: load.sampled_requests * load.measured.spans * HOURS * HOUR_SECONDS / MILLION
    ),
}
"""By the keys of `limits.toml`."""


def limits_of(service: ScaledService, own: Path | None = None) -> Sequence[Limit]:
    """Return the limits that `service` meets, with the values of the file `own` in place of the defaults.

    Raises `OperatorError` for a file that is malformed, or names a key that is no quota.
    """
    quotas = _quotas(own) if own else {}
    absent = {key for key in FORMULAS if key.startswith("nat-") and service.nat_gateways == 0}
    absent |= {"subnet-addresses"} if service.addresses is None else set()
    absent |= {"fargate-spot-vcpu"} if service.spot_share == 0 else set()
    absent |= {"ecr-public-pulls"} if service.public_images == 0 else set()
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return [_limit(key, table | quotas.get(key, {})) for key, table in tables.items() if key not in absent]


def _limit(key: str, table: dict[str, Any]) -> Limit:
    use, value = FORMULAS[key]
    quota = table.pop("value", None)
    return Limit(key=key, use=use, value=value if quota is None else lambda _load: quota, **table)


def _quotas(path: Path) -> Mapping[str, Mapping[str, float]]:
    """Return the values of a file of one's own, as parts of the tables of `limits.toml`."""
    remedy = "Write lines such as `fargate-vcpu = 4000`, with the keys of operations/scale/limits.toml."
    try:
        quotas = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OperatorError(f"LIMITS={str(path)!r} cannot be read: {error}", remedy) from error
    for key, value in quotas.items():
        if key not in FORMULAS:
            raise OperatorError(f"LIMITS={str(path)!r} has {key!r}, which is no limit", remedy)
        if FORMULAS[key].setting is not None:
            raise OperatorError(
                f"LIMITS={str(path)!r} has {key!r}, which is no quota but a setting of the stacks",
                "Remove it, and change the setting: docs/scale.md has it under Remedies.",
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MAX_QUOTA:
            raise OperatorError(f"LIMITS={str(path)!r} has {key} = {value!r}, which is no positive number", remedy)
    return {key: {"value": value} for key, value in quotas.items()}
