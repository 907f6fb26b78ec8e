"""Bound what clients may take from a worker: time, memory and connections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one worker, in seconds and bytes."""

    head_seconds: float = 10.0
    """From the first byte of a request to the end of its headers."""
    head_bytes: int = 64 * 1024
    """Request line and headers, as load balancers limit them ("Quotas for your Application Load Balancers")."""
    body_seconds: float = 30.0
    """From the end of a request's headers to the end of its body."""
    body_bytes: int = 1024 * 1024
    """A body that is received before a thread gets the request. The thread itself receives a longer one."""
    flush_seconds: float = 10.0
    """For a client to take some bytes of a response, and to fall behind `flush_rate` bytes a second."""
    flush_rate: int = 8 * 1024
    backlog_bytes: int = 1024 * 1024
    """What waits for the client of a response, before the handler's thread does too."""
    send_buffer_bytes: int = 64 * 1024
    """The kernel's part of a response. By itself it would hold up to 4 MiB for each client (`tcp_wmem`, tcp(7))."""
    linger_seconds: float = 2.0
    """For a client to read its last response and close (RFC 9112, section 9.6)."""
    stop_idle_seconds: float = 2.0
    """For the request that a client may be sending on a kept-alive connection when the worker stops."""
    patience_seconds: float = 1.0
    """Before a connection is closed for a new one: its request may be on the way."""
    held_bytes: int = 32 * 1024 * 1024
    """Incomplete requests and unread responses, over all connections."""
