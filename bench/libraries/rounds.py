"""Measure the variants in turns: each has a process, and each round measures every one of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.libraries.calls import CALLS, Ports
from bench.libraries.variants import BARE
from bench.testbed.worker_process import WorkerProcess, running_worker

_WARM_UP_SHARE: Final = 4
_ENVIRONMENT: Final = {"PYTHONHASHSEED": "0"}
"""With random hashes the order of sets, and with it the work, would differ between the processes."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One figure of a variant and of the bare app, a pair for each round."""

    pairs: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The median of the variant."""
        return median(value for value, _ in self.pairs)

    @property
    def ratios(self) -> list[float]:
        """The variant to the bare app, of each round."""
        return [value / bare for value, bare in self.pairs]


Results = Mapping[tuple[str, str], Figures]
"""The figures by route and variant."""


def cpu(names: Sequence[str], ports: Ports, *, rounds: int) -> Results:
    """Return the CPU microseconds of a request."""
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(worker(name, ports)) for name in names}
        for call in CALLS:
            for process in workers.values():
                process.run(f"{call.path} {call.requests // _WARM_UP_SHARE}")
        for _ in range(rounds):
            for call in CALLS:
                round_ = {name: process.run(f"{call.path} {call.requests}")[0] for name, process in workers.items()}
                for name, value in round_.items():
                    pairs.setdefault((call.path, name), []).append((value, round_[BARE]))
    return {key: Figures(tuple(each)) for key, each in pairs.items()}


@contextmanager
def worker(name: str, ports: Ports, *, tool: Sequence[str] = (), slowdown: int = 1) -> Iterator[WorkerProcess]:
    """Run the process of one variant, under `tool` if there is one."""
    command = [*tool, sys.executable, "-m", "bench.libraries.worker", name, str(slowdown), *map(str, ports)]
    with running_worker(command, _ENVIRONMENT) as process:
        yield process
