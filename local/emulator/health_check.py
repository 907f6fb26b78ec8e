"""Check the health of one target, and decide its state.

Source: "Health checks for Application Load Balancer target groups", User Guide.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final, Self

import h11

from local.emulator.http_client import Connection

INITIAL: Final = "initial"
HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"

USER_AGENT: Final = "ELB-HealthChecker/2.0"
TRAFFIC_PORT: Final = "traffic-port"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a target is not healthy: AWS's reason code and description."""

    code: str
    description: str


INITIAL_CHECKS: Final = Reason("Elb.InitialHealthChecking", "Initial health checks in progress")
FAILED: Final = Reason("Target.FailedHealthChecks", "Health checks failed")
TIMED_OUT: Final = Reason("Target.Timeout", "Request timed out")


def mismatch(status: int) -> Reason:
    """Return the reason of a response whose status the matcher does not name."""
    return Reason("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The health check settings of a target group; times are in seconds."""

    tls: bool
    port: str
    path: str
    matcher: str
    interval: float
    timeout: float
    healthy_threshold: int
    unhealthy_threshold: int

    @classmethod
    def of(cls, group: dict[str, Any]) -> Self:
        """Read a target group as DescribeTargetGroups returns it."""
        return cls(
            tls=group["HealthCheckProtocol"] == "HTTPS",
            port=str(group["HealthCheckPort"]),
            path=group["HealthCheckPath"],
            matcher=str(group["Matcher"]["HttpCode"]),
            interval=group["HealthCheckIntervalSeconds"],
            timeout=group["HealthCheckTimeoutSeconds"],
            healthy_threshold=group["HealthyThresholdCount"],
            unhealthy_threshold=group["UnhealthyThresholdCount"],
        )

    def port_of(self, traffic_port: int) -> int:
        """Return the port to check of a target that receives requests on `traffic_port`."""
        return traffic_port if self.port == TRAFFIC_PORT else int(self.port)

    def matches(self, status: int) -> bool:
        """Return whether the matcher names `status`: `200`, `200,202`, `200-299`."""
        ranges = (each.partition("-") for each in self.matcher.split(","))
        return any(int(first) <= status <= int(last or first) for first, _, last in ranges)


@dataclass(slots=True)
class Health:
    """The state of a target by the results of its health checks."""

    state: str = INITIAL
    reason: Reason | None = field(default=INITIAL_CHECKS)
    _consecutive: int = 0
    """How many results in a row were against the state."""

    def record(self, failure: Reason | None, settings: Settings) -> None:
        """Take the result of one check, None for a success.

        A new target must pass one check to be healthy, a target that was unhealthy `healthy_threshold` in a row.
        """
        if failure is None:
            self._consecutive = self._consecutive + 1 if self.state == UNHEALTHY else 0
            if self.state == INITIAL or self._consecutive >= settings.healthy_threshold:
                self.state, self.reason, self._consecutive = HEALTHY, None, 0
            return
        self._consecutive = 0 if self.state == UNHEALTHY else self._consecutive + 1
        if self.state == UNHEALTHY or self._consecutive >= settings.unhealthy_threshold:
            self.state, self.reason, self._consecutive = UNHEALTHY, failure, 0


async def check(host: str, traffic_port: int, settings: Settings) -> Reason | None:
    """Send one health check; return why it failed, None if it passed."""
    port = settings.port_of(traffic_port)
    connection: Connection | None = None
    try:
        async with asyncio.timeout(settings.timeout):
            connection = await Connection.open(host, port, tls=settings.tls, idle_seconds=settings.timeout)
            headers = [("Host", f"{host}:{port}"), ("Connection", "close"), ("User-Agent", USER_AGENT)]
            status = (await connection.request("GET", settings.path, headers)).status_code
    except TimeoutError:
        return TIMED_OUT
    except (OSError, h11.ProtocolError):
        return FAILED
    finally:
        if connection is not None:
            connection.close()
    return None if settings.matches(status) else mismatch(status)
