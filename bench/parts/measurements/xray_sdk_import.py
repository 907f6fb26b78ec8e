"""Import the X-Ray SDK."""

from __future__ import annotations

import time
from importlib import import_module

from bench.parts.clock import Ports, Run, resident_mib


def ours(_: Ports) -> Run:
    """Import it without its clients."""
    return _run("flask_onetrace.telemetry.sampling.lean_import")


def stock(_: Ports) -> Run:
    """Import it unchanged."""
    return _run("aws_xray_sdk.core")


def _run(module: str) -> Run:
    def run(_: int) -> tuple[float, float]:
        start = time.process_time()
        import_module(module)
        return (time.process_time() - start) * 1e3, resident_mib()

    return run
