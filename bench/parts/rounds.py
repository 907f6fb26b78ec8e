"""Run both sides of a measurement in turns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.parts.catalogue import Measurement
from bench.parts.clock import Ports

SIDES: Final = ("ours", "stock")
_ENVIRONMENT: Final = {"AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_DEFAULT_REGION": "us-east-1"}
_WARM_UP_SHARE: Final = 5


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of both sides, a pair for each round."""

    pairs: tuple[tuple[float, float], ...]

    @property
    def ours(self) -> float:
        """The median of our part."""
        return median(ours for ours, _ in self.pairs)

    @property
    def stock(self) -> float:
        """The median of the stock part."""
        return median(stock for _, stock in self.pairs)

    @property
    def ratios(self) -> list[float]:
        """Ours to stock, of each round."""
        return [ours / stock for ours, stock in self.pairs]


def measure(measurement: Measurement, ports: Ports, *, rounds: int, repetitions: int | None = None) -> Result:
    """Return the figures of `rounds` rounds; `repetitions` default to the measurement's own."""
    count = repetitions or measurement.repetitions
    if measurement.new_process:
        return Result(tuple(pair for _ in range(rounds) for pair in _pairs(measurement, ports, count, rounds=1)))
    return Result(tuple(_pairs(measurement, ports, count, rounds=rounds)))


def _pairs(measurement: Measurement, ports: Ports, count: int, *, rounds: int) -> Iterator[tuple[float, float]]:
    with ExitStack() as stack:
        ours, stock = (stack.enter_context(_worker(measurement.module, side, ports)) for side in SIDES)
        if not measurement.new_process:
            for worker in (ours, stock):
                worker.run(max(1, count // _WARM_UP_SHARE))
        for _ in range(rounds):
            yield ours.run(count), stock.run(count)


class _Worker:
    """A process that measures one side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, count: int) -> float:
        """Return the figure of `count` repetitions."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe, by the arguments below
        assert self._process.stdout is not None  # noqa: S101 - the same
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args))} failed: see its error above")  # type: ignore[arg-type]  # a list, below
        return float(line)


@contextmanager
def _worker(module: str, side: str, ports: Ports) -> Iterator[_Worker]:
    command = [sys.executable, "-m", "bench.parts.worker", module, side, str(ports.http), str(ports.udp)]
    pipe = subprocess.PIPE
    environment = {**os.environ, **_ENVIRONMENT, "AWS_ENDPOINT_URL": ports.url}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:  # noqa: S603 - our own module
        try:
            yield _Worker(process)
        finally:
            assert process.stdin is not None  # noqa: S101 - a pipe, by the argument above
            process.stdin.close()
