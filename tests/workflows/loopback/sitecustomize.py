"""Resolve the names of load balancers to this machine, in a child process whose environment names the port."""

import os
import socket

_resolve = socket.getaddrinfo


def _getaddrinfo(host, port, *arguments, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202 - the signature of `_resolve`
    if isinstance(host, str) and host.endswith(".elb.amazonaws.com"):
        return _resolve("127.0.0.1", int(os.environ["LOAD_BALANCER_PORT"]), *arguments, **options)
    return _resolve(host, port, *arguments, **options)


socket.getaddrinfo = _getaddrinfo
