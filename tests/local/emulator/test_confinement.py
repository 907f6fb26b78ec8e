from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.emulator.test_process import run

SETUP = """
import multiprocessing, os, pty, socket, subprocess, sys
from local.emulator.confinement import confine
confine()
true = "/bin/true"
try:
    {statement}
except PermissionError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "statement",
    [
        "subprocess.run([true])",
        "subprocess.Popen(true, shell=True)",
        "os.system(true)",
        "os.popen(true)",
        "os.fork() or os._exit(0)",
        "pty.fork()",
        "pty.spawn([true])",
        "os.execv(true, [true])",
        "os.posix_spawn(true, [true], {})",
        "os.spawnv(os.P_WAIT, true, [true])",
        "multiprocessing.get_context('fork').Process(target=print).start()",
    ],
)
def test_the_emulators_process_starts_no_process(statement: str) -> None:
    assert run(SETUP.replace("{statement}", statement)).startswith("the emulator starts no process (")


@pytest.mark.parametrize(
    "statement",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
        "socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('192.0.2.1', 53))",
    ],
)
def test_the_emulators_process_connects_to_this_machine_only(statement: str) -> None:
    output = run(SETUP.replace("{statement}", statement))
    assert output.startswith("the emulator connects to 127.0.0.1, ::1, localhost only, not")


def test_a_target_on_this_machine_is_reached() -> None:
    program = """
import socket
from local.emulator.confinement import confine
listener = socket.create_server(("127.0.0.1", 0))
confine()
print(socket.create_connection(listener.getsockname()).getpeername() == listener.getsockname())
"""
    assert run(program) == "True"


GIVEN = """
import socket
from ipaddress import ip_network
from pathlib import Path
from local.emulator.confinement import confine
listener = socket.create_server(("127.0.0.2", 0))
engine = socket.socket(socket.AF_UNIX)
engine.bind({path!r})
engine.listen()
confine(networks=[ip_network("127.0.0.2/31"), ip_network("fd00::/64")], sockets=[Path({path!r})])
try:
    {statement}
except PermissionError as error:
    print(error)
except OSError:
    print("connected or refused by the network")
else:
    print("connected or refused by the network")
"""


@pytest.mark.parametrize(
    "statement",
    [
        "socket.create_connection(listener.getsockname())",
        "socket.create_connection(('127.0.0.3', listener.getsockname()[1]))",
        "socket.socket(socket.AF_INET6).connect(('fd00::1', 80))",
        "socket.socket(socket.AF_UNIX).connect({path!r})",
        "socket.socket(socket.AF_UNIX).connect({path!r}.encode())",
    ],
)
def test_a_given_network_and_a_given_unix_socket_are_reached(statement: str, tmp_path: Path) -> None:
    program = GIVEN.replace("{statement}", statement).format(path=str(tmp_path / "engine.sock"))
    # An IPv6 socket without a route fails by the network, not by the confinement.
    assert run(program) == "connected or refused by the network"


@pytest.mark.parametrize(
    "statement",
    [
        "socket.create_connection(('127.0.0.4', 80))",
        "socket.socket(socket.AF_INET6).connect(('fd00:0:0:1::1', 80))",
        "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.4', 80))",
        "socket.socket(socket.AF_UNIX).connect({path!r} + '.other')",
        "socket.socket(socket.AF_UNIX).connect('relative.sock')",
        "__import__('os').system('true')",
    ],
)
def test_nothing_else_is_reached_then_and_no_process_is_started(statement: str, tmp_path: Path) -> None:
    program = GIVEN.replace("{statement}", statement).format(path=str(tmp_path / "engine.sock"))
    assert run(program).startswith("the emulator ")
