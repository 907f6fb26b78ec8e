"""Check the targets of the load balancers' target groups, and drain those that are deregistered.

The checks run in one thread with an event loop of its own: neither requests nor streams delay them, and a target more
costs a task and no thread. ministack's list of registered targets remains the source of what is registered.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, Final
from xml.sax.saxutils import escape

from ministack.services import alb

from local.emulator.health_check import HEALTHY, UNHEALTHY, Health, Reason, Settings, check
from local.emulator.registry import Reply
from local.emulator.target_groups import Key, deregistration_delay, load_balancers_of, registered_targets, target_group

DRAINING: Final = "draining"
UNUSED: Final = "unused"

_DEREGISTERING: Final = Reason("Target.DeregistrationInProgress", "Target deregistration is in progress")
_INTERNAL_ERROR: Final = Reason("Elb.InternalError", "Health checks failed due to an internal error")
_NOT_IN_USE: Final = Reason(
    "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
_NOT_REGISTERED: Final = Reason("Target.NotRegistered", "Target is not registered to the target group")

_UNUSED_POLL_SECONDS: Final = 0.5
"""How often to look whether a target group without a listener has got one."""

_OK: Final = 200
_logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Target:
    """A registered or draining target of one group."""

    host: str
    port: int
    health: Health = field(default_factory=Health)
    draining_until: float | None = None
    """By the monotonic clock."""


@dataclass(slots=True)
class _Group:
    targets: dict[Key, Target] = field(default_factory=dict)
    turns: count[int] = field(default_factory=count)
    """Of the round robin."""


_groups: Final[dict[str, _Group]] = {}
_lock: Final = threading.Lock()


def install() -> None:
    """Check every target from its registration on, and describe what the checks found."""
    for action in ("RegisterTargets", "DeregisterTargets"):
        alb._ACTION_MAP[action] = _then_sync(alb._ACTION_MAP[action])
    alb._ACTION_MAP["DescribeTargetHealth"] = _describe
    set_targets = alb.set_targets_for_group

    def set_targets_for_group(arn: str, *arguments: object) -> bool:
        changed: bool = set_targets(arn, *arguments)
        if changed:
            _sync(arn)
        return changed

    alb.set_targets_for_group = set_targets_for_group


def state_of(target_group_arn: str, ip: str, port: int) -> str:
    """Return a target's state: initial, healthy, unhealthy, draining or unused."""
    return _state(target_group_arn, (ip, port))[0]


def next_target(target_group_arn: str) -> Target | None:
    """Return the target of the next request: of the healthy ones, or of all if none is healthy, by round robin."""
    with _lock:
        group = _current(target_group_arn)
        registered = [each for each in group.targets.values() if each.draining_until is None]
        chosen = [each for each in registered if each.health.state == HEALTHY] or registered
        return chosen[next(group.turns) % len(chosen)] if chosen else None


def host_counts() -> dict[str, tuple[int, int]]:
    """Return the numbers of healthy and unhealthy targets of each group that has registered ones."""
    with _lock:
        states = {
            arn: [each.health.state for each in _current(arn).targets.values() if each.draining_until is None]
            for arn in list(_groups)
        }
    return {arn: (each.count(HEALTHY), each.count(UNHEALTHY)) for arn, each in states.items() if each}


def _then_sync(handler: Callable[[Any], Reply]) -> Callable[[Any], Reply]:
    def handle(params: Any) -> Reply:  # noqa: ANN401 - ministack publishes no types
        reply = handler(params)
        if reply[0] == _OK:
            _sync(alb._p(params, "TargetGroupArn"))
        return reply

    return handle


def _sync(arn: str) -> None:
    """Start to check the targets that were registered, and drain those that were deregistered."""
    if target_group(arn) is None:
        return
    delay = deregistration_delay(arn)
    with _lock:
        # Read under the lock: of two changes at the same time, the last one to come here has to see both.
        registered = registered_targets(arn)
        targets = _current(arn).targets
        for key, target in targets.items():
            if key not in registered and target.draining_until is None:
                target.draining_until = time.monotonic() + delay
        for key in registered:
            if key not in targets or targets[key].draining_until is not None:
                targets[key] = Target(*key)
                asyncio.run_coroutine_threadsafe(_check_repeatedly(arn, targets[key]), _checks())


@cache
def _checks() -> asyncio.AbstractEventLoop:
    """Return the event loop of the health checks; the first call starts its thread."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="target-health", daemon=True).start()
    return loop


def _current(arn: str) -> _Group:
    """Return the group without the targets that have been drained; `_lock` is held."""
    group = _groups.setdefault(arn, _Group())
    now = time.monotonic()
    for key, target in list(group.targets.items()):
        if target.draining_until is not None and target.draining_until <= now:
            del group.targets[key]
    return group


async def _check_repeatedly(arn: str, target: Target) -> None:
    clock = asyncio.get_running_loop().time
    while target.draining_until is None:
        record = target_group(arn)
        if record is None:  # the group was deleted
            with _lock:
                _groups.pop(arn, None)
            return
        due = clock() + _UNUSED_POLL_SECONDS
        if load_balancers_of(arn):
            settings = Settings.of(record)
            due = clock() + settings.interval
            failure = await _check(target, settings)
            with _lock:
                target.health.record(failure, settings)
        await asyncio.sleep(due - clock())


async def _check(target: Target, settings: Settings) -> Reason | None:
    try:
        return await check(target.host, target.port, settings)
    except Exception:
        _logger.exception("the target %s:%s was not checked", target.host, target.port)
        return _INTERNAL_ERROR


def _state(arn: str, key: Key) -> tuple[str, Reason | None]:
    with _lock:
        target = _current(arn).targets.get(key)
    if target is None:
        return UNUSED, _NOT_REGISTERED
    if target.draining_until is not None:
        return DRAINING, _DEREGISTERING
    if not load_balancers_of(arn):
        return UNUSED, _NOT_IN_USE
    return target.health.state, target.health.reason


def _describe(params: Any) -> Reply:  # noqa: ANN401 - ministack publishes no types
    arn = alb._p(params, "TargetGroupArn")
    record = alb._tgs.get(arn)
    reply: Reply
    if record is None:
        reply = alb._error("TargetGroupNotFound", f"Target group '{arn}' not found.")
        return reply
    keys = [(each["Id"], int(each.get("Port") or record["Port"])) for each in alb._parse_targets_param(params)]
    if not keys:
        with _lock:
            keys = list(_current(arn).targets)
    members = "".join(_description(arn, key, record) for key in keys)
    reply = alb._xml(_OK, "DescribeTargetHealth", f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>")
    return reply


def _description(arn: str, key: Key, record: dict[str, Any]) -> str:
    state, reason = _state(arn, key)
    host, port = key
    explained = (
        f"<Reason>{reason.code}</Reason><Description>{escape(reason.description)}</Description>" if reason else ""
    )
    return (
        f"<member><Target><Id>{escape(host)}</Id><Port>{port}</Port></Target>"
        f"<HealthCheckPort>{Settings.of(record).port_of(port)}</HealthCheckPort>"
        f"<TargetHealth><State>{state}</State>{explained}</TargetHealth></member>"
    )
