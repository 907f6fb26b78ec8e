"""Import the X-Ray SDK without the two botocore clients that it creates at import, which nothing uses here.

They load the models of AWS's services and endpoints, 19 MiB, for a sampler that is replaced
(`aws_xray_sdk/core/recorder.py`, version 2.15.0; remove this when the SDK creates its client at first use).
If other code has imported the SDK before, only the memory is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.session import Session

from flask_onetrace.telemetry.library_environment import XRAY_DAEMON_ADDRESS, without_variables


@contextmanager
def _no_clients() -> Iterator[None]:
    create_client = Session.create_client
    Session.create_client = lambda *_, **__: None  # type: ignore[assignment,method-assign]  # restored after the import
    try:
        yield
    finally:
        Session.create_client = create_client  # type: ignore[method-assign]  # the original again


with _no_clients(), without_variables(XRAY_DAEMON_ADDRESS):
    from aws_xray_sdk.core.sampling.reservoir import ReservoirDecision
    from aws_xray_sdk.core.sampling.rule_cache import RuleCache

__all__ = ["ReservoirDecision", "RuleCache"]
