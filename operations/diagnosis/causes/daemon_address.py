"""The service sends its segments to an address at which no daemon listens."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, XRAY_DAEMON_PORT, Variable
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Daemon address wrong",
    meaning="The service sends its segments to AWS_XRAY_DAEMON_ADDRESS={address!r}, and the daemon of its task listens"
    " at {expected}",
    remedy="{restore}",
    general_remedy="Remove AWS_XRAY_DAEMON_ADDRESS from [variables] of onetrace.toml and deploy: the stack sets it."
    " Where the service runs another task definition than the stack's, run that again",
    evidence="the variable in the task definition that the service runs",
    example={
        "address": "10.0.0.5:2000",
        "expected": "127.0.0.1:2000",
    },
)
LOOPBACK = frozenset({"127.0.0.1", "localhost"})


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where X-Ray misses requests, and the task has a sidecar at another address."""
    serving = evidence.serving
    if Symptom.XRAY not in evidence.symptoms or serving is None or XRAY_DAEMON_CONTAINER_NAME not in serving.containers:
        return
    address = evidence.variables.get(Variable.AWS_XRAY_DAEMON_ADDRESS, "")
    if address and not _is_of_sidecar(address):
        yield CAUSE.diagnosis(
            [Symptom.XRAY],
            address=address,
            expected=f"127.0.0.1:{XRAY_DAEMON_PORT}",
            restore=evidence.restore(Variable.AWS_XRAY_DAEMON_ADDRESS),
        )


def _is_of_sidecar(address: str) -> bool:
    """Return whether it is `host:port`, or `tcp:host:port udp:host:port`, of the task itself (X-Ray SDK for Python)."""
    parts = [re.sub(r"^(tcp|udp):", "", each).rpartition(":") for each in address.split()]
    return all(host in LOOPBACK and port == str(XRAY_DAEMON_PORT) for host, _, port in parts)
