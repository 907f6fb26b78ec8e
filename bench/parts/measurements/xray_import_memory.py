"""Take the memory of a process that has imported the X-Ray SDK."""

from __future__ import annotations

from importlib import import_module

from bench.parts.clock import Ports, Run, resident_mib


def ours(_: Ports) -> Run:
    """Import it without its clients."""
    return _run("service.telemetry.xray_sdk.lean_import")


def stock(_: Ports) -> Run:
    """Import it as it is."""
    return _run("aws_xray_sdk.core")


def _run(module: str) -> Run:
    def run(_: int) -> float:
        import_module(module)
        return resident_mib()

    return run
