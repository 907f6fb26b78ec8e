"""Run both sides of a part in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.parts.catalogue import Part
from bench.parts.clock import Ports

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
                worker.run(max(1, count // _WARM_UP_SHARE))
        for _ in range(rounds):
            yield ours.run(count), stock.run(count)


class _Worker:
    """A process that measures one side."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, count: int) -> list[float]:
        """Return the figures of `count` repetitions."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe, by the arguments below
        assert self._process.stdout is not None  # noqa: S101 - the same
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{' '.join(map(str, self._process.args))} failed: see its error above")  # type: ignore[arg-type]  # a list, below
        figures: list[float] = json.loads(line)
        return figures


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
