"""Run both sides of a part in turns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.parts.catalogue import Part
from bench.parts.clock import Ports
from bench.testbed.worker_process import WorkerProcess, running_worker

SIDES: Final = ("ours", "stock")
_ENVIRONMENT: Final = {"AWS_ACCESS_KEY_ID": "fake", "AWS_SECRET_ACCESS_KEY": "fake", "AWS_DEFAULT_REGION": "us-east-1"}
_WARM_UP_SHARE: Final = 5


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of both sides, a pair for each round."""

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


def measure(part: Part, ports: Ports, *, rounds: int, repetitions: int | None = None) -> list[Result]:
    """Return the part's figures, of `rounds` rounds each; `repetitions` default to the part's own."""
    count = repetitions or part.repetitions
    if part.new_process:
        pairs = [pair for _ in range(rounds) for pair in _pairs(part, ports, count, rounds=1)]
    else:
        pairs = list(_pairs(part, ports, count, rounds=rounds))
    ours, stock = (list(zip(*side, strict=True)) for side in zip(*pairs, strict=True))
    return [Result(tuple(zip(*sides, strict=True))) for sides in zip(ours, stock, strict=True)]


def _pairs(part: Part, ports: Ports, count: int, *, rounds: int) -> Iterator[tuple[list[float], list[float]]]:
    with ExitStack() as stack:
        ours, stock = (stack.enter_context(_worker(part.module, side, ports)) for side in SIDES)
        if not part.new_process:
            for worker in (ours, stock):
                worker.run(str(max(1, count // _WARM_UP_SHARE)))
        for _ in range(rounds):
            yield ours.run(str(count)), stock.run(str(count))


@contextmanager
def _worker(module: str, side: str, ports: Ports) -> Iterator[WorkerProcess]:
    command = [sys.executable, "-m", "bench.parts.worker", module, side, str(ports.http), str(ports.udp)]
    with running_worker(command, {**_ENVIRONMENT, "AWS_ENDPOINT_URL": ports.url}) as worker:
        yield worker
