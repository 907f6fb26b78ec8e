"""Run the service under gunicorn with fakes of its sinks, send it requests, and keep what they cause."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

import psutil

from bench import load
from bench.paths import FAULT, HEALTH_CHECK, HOME, NOTIFICATIONS
from bench.request_bytes import client
from bench.request_bytes.client import Exchange
from bench.request_bytes.recording import Recording
from bench.testbed.service_process import CONNECTIONS, Service, start
from bench.testbed.sinks import Sinks

MIX = (HOME, NOTIFICATIONS)
"""The requests that succeed, in turn; those that fail are measured apart."""
RATE = 50.0
"""Requests a second, of the run whose means are published."""
RATES = (1.0, 10.0, RATE, 100.0)
_DEPLOYED = {
    "DEPLOYMENT_ENVIRONMENT": "prod",
    "SERVICE_VERSION": "1.0.0",
    "METRICS_NAMESPACE": "Cruddur-prod-Backend-Flask",
    "CLOUDWATCH_LOG_GROUP": "Cruddur-prod-Backend-Flask",
    "XRAY_ORIGIN": "AWS::ECS::Fargate",
    "HONEYCOMB_API_KEY": "0123456789abcdefghijkl",
    "ROLLBAR_ACCESS_TOKEN": "0123456789abcdef0123456789abcdef",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
}
"""What a deployment sets that is in the telemetry, in place of the test bed's."""
_START_TIMEOUT = 30.0
_WARM_UP = 4
_QUIET = 1.5
"""Seconds without a delivery after which all is delivered: a queue is sent each half second."""
_POLL_INTERVAL = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is sent: seconds at each rate and of each load, and the numbers of other requests."""

    seconds: float = 10.0
    rates: Sequence[float] = RATES
    failures: int = 20
    health_checks: int = 20
    loads: int = 3


@dataclass(frozen=True, slots=True)
class Phase:
    """Requests of one kind and rate, and what they caused at the sinks."""

    exchanges: Sequence[Exchange]
    seconds: float
    received: Recording

    @property
    def count(self) -> int:
        """The number of requests."""
        return len(self.exchanges)


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of four connections that never pause."""

    count: int
    seconds: float
    received: Recording
    cpu: float
    """Seconds of the worker a request, exporters included."""
    memory: float
    """MiB of the worker, resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All phases of one process."""

    start_output: int
    """Bytes of its standard output and error until it was ready."""
    output: int
    """Bytes of them during all requests but those of the loads."""
    health_checks: Phase
    failures: Phase
    rates: dict[float, Phase]
    loads: Sequence[Load]


@dataclass(frozen=True, slots=True)
class _Bench:
    """A running service, its sinks, and its output."""

    service: Service
    sinks: Sinks
    output: IO[bytes]

    def phase(self, paths: Sequence[str], *, count: int, rate: float) -> Phase:
        before = Recording.of(self.sinks)
        exchanges, seconds = client.send(self.service.port, paths, count=count, rate=rate)
        return Phase(exchanges, seconds, self._since(before))

    def load(self, seconds: float) -> Load:
        worker = psutil.Process(self.service.worker)
        before, cpu_before = Recording.of(self.sinks), worker.cpu_times()
        result = load.run_in_process(self.service.port, MIX, connections=CONNECTIONS, seconds=seconds)
        received, cpu = self._since(before), worker.cpu_times()
        total = cpu.user + cpu.system - cpu_before.user - cpu_before.system
        memory = worker.memory_info().rss / 2**20
        return Load(result.requests, result.seconds, received, total / result.requests, memory)

    def _since(self, before: Recording) -> Recording:
        """Return what has arrived since, once no sink has received anything for a while."""
        last, changed = self.sinks.received(), time.monotonic()
        while time.monotonic() - changed < _QUIET:
            time.sleep(_POLL_INTERVAL)
            if (now := self.sinks.received()) != last:
                last, changed = now, time.monotonic()
        return Recording.of(self.sinks) - before

    def output_bytes(self) -> int:
        return self.output.seek(0, 2)


def run(extent: Extent) -> Run:
    """Return all phases. Raises `RuntimeError` with the service's output where it does not start."""
    with _running() as bench:
        start_output = bench.output_bytes()
        bench.phase(MIX, count=_WARM_UP, rate=RATE)
        health_checks = bench.phase((HEALTH_CHECK,), count=extent.health_checks, rate=RATE)
        failures = bench.phase((FAULT,), count=extent.failures, rate=RATE / 10)
        rates = {
            rate: bench.phase(MIX, count=max(2, 2 * round(rate * extent.seconds / 2)), rate=rate)
            for rate in extent.rates
        }
        output = bench.output_bytes() - start_output
        loads = [bench.load(extent.seconds / 2) for _ in range(extent.loads)]
    return Run(
        start_output=start_output,
        output=output,
        health_checks=health_checks,
        failures=failures,
        rates=rates,
        loads=loads,
    )


@contextmanager
def _running() -> Iterator[_Bench]:
    with ExitStack() as stack:
        sinks = Sinks(stack, keeps_bodies=True)
        output = stack.enter_context(tempfile.TemporaryFile())
        environment = {**sinks.environment(()), **_DEPLOYED}
        service = start("ours", environment, _START_TIMEOUT, stdout=output, stderr=output)
        if service is None:
            output.seek(0)
            raise RuntimeError(f"the service did not start:\n{output.read().decode('utf-8', 'replace')}")
        stack.callback(service.kill)
        yield _Bench(service, sinks, output)
