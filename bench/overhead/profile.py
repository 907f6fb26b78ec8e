"""Print a request's CPU by thread and by package: `python -m bench.overhead.profile ["ours, 100 %"]`.

The threads' figures are of their own CPU clocks. Calls are counted on the request's thread. The packages' figures are
cProfile's, which overstates small functions: use them as a ranking, not as a sum.
"""

from __future__ import annotations

import cProfile
import gc
import os
import pstats
import sys
import threading
import time
from collections import Counter

from bench.overhead.direct import WARM_UP, serve
from bench.overhead.sinkhole import running_sinkhole
from bench.overhead.variants import build

_REQUESTS = 3000
_PACKAGES = 14


def main() -> None:
    """Measure one variant and print both tables."""
    name = sys.argv[1] if len(sys.argv) > 1 else "ours, 100 %"
    with running_sinkhole() as (http, udp):
        subject = build(name, http=http, udp=udp)
        serve(subject.app, WARM_UP)
        gc.collect()
        gc.freeze()  # as in the bench
        subject.flush()
        before = _clocks()
        serve(subject.app, _REQUESTS)
        subject.flush()
        cpu = {thread: now - before.get(thread, 0.0) for thread, now in _clocks().items()}
        profile = cProfile.Profile()
        profile.runcall(serve, subject.app, _REQUESTS)
    sys.stdout.write(f"| {name}: thread | CPU a request |\n|---|---|\n")
    for thread, seconds in sorted(cpu.items(), key=lambda item: -item[1]):
        sys.stdout.write(f"| {thread} | {seconds / _REQUESTS * 1e6:.1f} µs |\n")
    python, built_in = _calls(profile)
    sys.stdout.write(f"\n{python:.0f} calls a request of Python functions, {built_in:.0f} of built-in ones\n")
    sys.stdout.write("\n| package, on the request's thread | share of the profile |\n|---|---|\n")
    for package, share in _packages(profile).most_common(_PACKAGES):
        sys.stdout.write(f"| {package} | {share:.0%} |\n")
    sys.stdout.flush()
    os._exit(0)


def _clocks() -> dict[str, float]:
    return {
        thread.name: time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.ident is not None
    }


def _calls(profile: cProfile.Profile) -> tuple[float, float]:
    """Return how many Python functions and how many built-in ones a request calls."""
    calls_by_kind: Counter[bool] = Counter()
    for (path, _, _), (_, calls, *_) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # pstats declares no such attribute
        calls_by_kind[path.startswith("~")] += calls
    return calls_by_kind[False] / _REQUESTS, calls_by_kind[True] / _REQUESTS


def _packages(profile: cProfile.Profile) -> Counter[str]:
    seconds: Counter[str] = Counter()
    for (path, _, _), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]  # pstats declares no such attribute
        seconds[_package(path)] += own
    total = sum(seconds.values())
    return Counter({package: own / total for package, own in seconds.items()})


def _package(path: str) -> str:
    if path.startswith("~"):
        return "built in"
    parts = path.replace(".py", "").split("/")
    if "site-packages" in parts:
        return ".".join(parts[parts.index("site-packages") + 1 :][:2])
    return ".".join(parts[-2:]) if "service" in parts or "bench" in parts else f"standard library {parts[-1]}"


if __name__ == "__main__":
    main()
