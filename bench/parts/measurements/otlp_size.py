"""Take the size of the encoded batch, for each span."""

from __future__ import annotations

from bench.parts.clock import Ports, Run
from bench.parts.measurements import otlp_encoder
from bench.parts.spans import BATCH


def ours(_: Ports) -> Run:
    """Take that of the JSON."""
    return lambda _count: len(otlp_encoder.json_encode()()) / BATCH


def stock(_: Ports) -> Run:
    """Take that of the protobuf."""
    return lambda _count: len(otlp_encoder.protobuf_encode()()) / BATCH
