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
    """For a client to send some bytes of a body, and to fall behind `min_rate`: Apache's `body=20,MinRate=500`."""
    min_rate: int = 500
    """Bytes a second that a client must send or read (`RequestReadTimeout`, Apache's mod_reqtimeout)."""
    body_bytes: int = 1024 * 1024
    """What is kept of a body in memory. A longer one is left to a thread, or goes on in a temporary file."""
    flush_seconds: float = 60.0
    """For a client to take some bytes of a response, and to fall behind `min_rate`: nginx's `send_timeout`."""
    backlog_bytes: int = 1024 * 1024
    """What is kept in memory for the client of a response, before the rest goes to a temporary file."""
    file_bytes: int = 1024 * 1024 * 1024
    """A temporary file, as nginx's `proxy_max_temp_file_size`."""
    stream_bytes: int = 16 * 1024 * 1024
    """The file of a response without a `Content-Length`, which may be live: waitress's `outbuf_high_watermark`."""
    files_bytes: int = 4 * 1024 * 1024 * 1024
    """All temporary files: a Fargate task has 20 GiB, its image included ("Fargate task ephemeral storage")."""
    send_buffer_bytes: int = 64 * 1024
    """The kernel's part of a response. By itself it would hold up to 4 MiB for each client (`tcp_wmem`, tcp(7))."""
    linger_seconds: float = 5.0
    """For a client to read its last response and close (RFC 9112, section 9.6), or to send more: nginx's figure."""
    stop_idle_seconds: float = 2.0
    """For the request that a client may be sending on a kept-alive connection when the worker stops."""
    patience_seconds: float = 1.0
    """Before a connection is closed for a new one: its request may be on the way."""
    held_bytes: int = 32 * 1024 * 1024
    """Incomplete requests and unread responses in memory, over all connections."""

    def next_deadline(self, since: float, transferred: int, seconds: float) -> float:
        """Return until when a client has to go on that has transferred so many bytes, the last of them just now.

        It has `seconds` for the next one, less what it is behind `min_rate`; both times are by the monotonic clock.
        """
        return min(since + transferred / self.min_rate, time.monotonic()) + seconds
