"""Bound what clients may take from a worker: time, memory, disk and connections."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one worker, in seconds and bytes."""

    head_seconds: float = 10.0
    """From the first byte of a request to the end of its headers."""
    head_bytes: int = 64 * 1024
    """Request line and headers, as load balancers limit them ("Quotas for your Application Load Balancers")."""
    body_seconds: float = 20.0
    """Without a byte of a body, and the allowance below `min_rate`: `body=20,MinRate=500` (Apache's mod_reqtimeout)."""
    min_rate: int = 500
    """Bytes a second that a client must send of a body or read of a response (Apache's `MinRate`, as above)."""
    body_bytes: int = 1024 * 1024
    """Of a body in memory. A longer one is streamed to the request's thread, or continues in a temporary file."""
    flush_seconds: float = 60.0
    """Without a byte of a response read, and the allowance below `min_rate`: nginx's `send_timeout`."""
    backlog_bytes: int = 1024 * 1024
    """Of an unread response in memory, before the rest goes to a temporary file."""
    file_bytes: int = 1024 * 1024 * 1024
    """Of one temporary file: nginx's `proxy_max_temp_file_size`."""
    stream_bytes: int = 16 * 1024 * 1024
    """Of that file for a response without a `Content-Length`, which may be a live stream: its handler should not be far
    ahead of its client (waitress's `outbuf_high_watermark`)."""
    files_bytes: int = 4 * 1024 * 1024 * 1024
    """Of all temporary files: a Fargate task has 20 GiB, its image included ("Fargate task ephemeral storage")."""
    send_buffer_bytes: int = 64 * 1024
    """`SO_SNDBUF` of a connection. Linux would let it grow to 4 MiB (`tcp_wmem`, tcp(7))."""
    linger_seconds: float = 5.0
    """For a client to read its last response and close (RFC 9112, section 9.6): nginx's `lingering_timeout`."""
    stop_idle_seconds: float = 2.0
    """For the request that a client may be sending on a kept-alive connection when the worker stops."""
    min_wait_seconds: float = 1.0
    """That a connection has waited at least when it is closed for a new one: its request may be on the way."""
    max_buffered_bytes: int = 32 * 1024 * 1024
    """Of requests, incomplete or being served, and of unread responses in memory, over all connections."""

    def next_deadline(self, since: float, transferred: int, seconds: float) -> float:
        """Return by when a client has to make progress that has just transferred the last of `transferred` bytes.

        It has `seconds`, less the time by which it is behind `min_rate` since `since`. Both times are seconds of
        `time.monotonic`.
        """
        return min(since + transferred / self.min_rate, time.monotonic()) + seconds
