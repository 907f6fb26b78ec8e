from __future__ import annotations

import socket
from contextlib import closing

import pytest

from local.workspace.ports import free_port, is_free, load_balancer_port
from operations.errors import OperatorError

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_a_free_port_can_be_bound_for_tcp_and_udp() -> None:
    port = free_port()

    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with closing(socket.socket(socket.AF_INET, kind)) as server:
            server.bind(("127.0.0.1", port))


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_in_use_is_not_free(kind: socket.SocketKind) -> None:
    with closing(socket.socket(socket.AF_INET, kind)) as server:
        server.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            server.listen()
        assert not is_free(server.getsockname()[1], kind)


def test_a_fixed_port_in_use_is_an_error_with_the_remedy() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        with pytest.raises(OperatorError, match=rf"port {port} on 127\.0\.0\.1 is in use.*LOCAL_PORT"):
            load_balancer_port({"LOCAL_PORT": str(port)})


def test_a_free_fixed_port_is_used() -> None:
    port = free_port()

    assert load_balancer_port({"LOCAL_PORT": f" {port} "}) == port


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "8080x", "٣"])
def test_an_invalid_port_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(OperatorError, match=f"LOCAL_PORT='{text}' is not a port number"):
        load_balancer_port({"LOCAL_PORT": text})


@pytest.mark.parametrize("environ", [{}, {"LOCAL_PORT": ""}])
def test_without_a_fixed_port_a_free_one_is_chosen(environ: dict[str, str]) -> None:
    assert is_free(load_balancer_port(environ))
