"""Serve the one load balancer on a port of its own, and let its targets see the address that the client used.

Targets are identified by id and port, as on AWS; ministack identifies them by their id alone.

A load balancer of AWS listens on port 80 or 443 and forwards the host without a port. Here every listener is reached
on another port, so that an application would build links without it: the client's own host and port are forwarded.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from ministack.core.arn import parse_arn
from ministack.services import alb

from local.emulator.registry import Reply
from local.request_guard import asgi

Targets = dict[tuple[str, int], dict[str, Any]]

NOT_ONE: Final = "There is not exactly one load balancer: use the host name of one, <name>.alb.localhost"

_client_host: Final[ContextVar[str | None]] = ContextVar("client_host", default=None)
"""The `Host` of a request that arrived on the load balancer's port."""


def install() -> None:
    """Patch which host and port a target receives, and how targets are identified."""
    original = alb._target_headers

    def target_headers(arn: str, listener: Any, headers: Any, client_ip: str) -> dict[str, str]:  # noqa: ANN401 - ministack publishes no types
        forwarded: dict[str, str] = original(arn, listener, headers, client_ip)
        port = _host(forwarded.get("host", "")).rpartition(":")[2]
        return {**forwarded, "x-forwarded-port": port} if port.isdigit() else forwarded

    alb._target_headers = target_headers
    alb._target_host_header = lambda host, _listener_port: _host(host)
    alb._ACTION_MAP["RegisterTargets"] = _register
    alb._ACTION_MAP["DeregisterTargets"] = _deregister
    # As CloudFormation returns it: "TargetGroupFullName", AWS::ElasticLoadBalancingV2::TargetGroup.
    alb._target_group_full_name_from_arn = lambda arn: parse_arn(arn).resource


def _register(params: Any) -> Reply:  # noqa: ANN401 - ministack publishes no types
    return _change_targets(params, "RegisterTargets", lambda registered, named: {**registered, **named})


def _deregister(params: Any) -> Reply:  # noqa: ANN401 - the same
    return _change_targets(
        params,
        "DeregisterTargets",
        lambda registered, named: {key: target for key, target in registered.items() if key not in named},
    )


def _change_targets(params: Any, action: str, change: Callable[[Targets, Targets], Targets]) -> Reply:  # noqa: ANN401
    """Apply `change` to the registered targets and those that the request names, each by id and port."""
    arn = alb._p(params, "TargetGroupArn")
    group = alb._tgs.get(arn)
    reply: Reply
    if group is None:
        reply = alb._error("TargetGroupNotFound", f"Target group '{arn}' not found.")
        return reply
    registered, named = (
        {(each["Id"], each.get("Port") or group["Port"]): each for each in targets}
        for targets in (alb._targets.get(arn, ()), alb._parse_targets_param(params))
    )
    alb._targets[arn] = list(change(registered, named).values())
    reply = alb._empty(action)
    return reply


def only_name() -> str | None:
    """Return the name of the load balancer, None where there is none or more than one."""
    names = [str(each["LoadBalancerName"]).lower() for each in alb._lbs.values()]
    return names[0] if len(names) == 1 else None


def addressed_to(name: str, scope: asgi.Message) -> asgi.Message:
    """Return the request with the load balancer's host name, by which ministack routes it."""
    _client_host.set(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))
    headers = [pair for pair in scope["headers"] if pair[0].lower() != b"host"]
    return {**scope, "headers": [*headers, (b"host", f"{name}.alb.localhost".encode())]}


def _host(forwarded: str) -> str:
    client = _client_host.get()
    return forwarded if client is None else client
