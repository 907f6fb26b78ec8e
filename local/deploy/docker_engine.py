"""Find the Docker engine, and whether it can run the deployed containers on this machine."""

from __future__ import annotations

import json
import re
import secrets
import socket
import socketserver
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from local.deploy.docker_command import HOST_VARIABLE, docker, program
from local.workspace.ports import LOOPBACK
from operations.errors import OperatorError

ARCHITECTURE: Final = "amd64"
"""That of the local environment's task definition, in Docker's words."""
OLDEST_API: Final = (1, 41)
"""That of Docker 20.10, the oldest that is tested."""
ENGINE_COMPONENT: Final = "Engine"
"""What Docker's engine calls itself, the first component of its version; Podman's service is "Podman Engine"."""
USER_NAMESPACES: Final = {
    "name=rootless": "is rootless: this machine cannot reach its networks",
    "name=userns": "remaps users (userns-remap): its containers cannot use this user's sockets",
}
"""Security options of an engine whose containers' root is not this machine's."""
LIMITS: Final = {"MemoryLimit": "memory", "CpuCfsQuota": "CPU time"}
"""What an engine reports of its control groups: without one, it ignores the containers' limits."""
CONNECT_SECONDS: Final = 2
UNIX_SOCKET: Final = re.compile(r"unix://(?P<path>/.+)")

USE_ANOTHER: Final = "Select Docker Engine on this Linux machine by `docker context use` or DOCKER_HOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A Docker engine that can run the deployed containers."""

    socket: Path
    """The unix socket of its API."""
    version: str


class NoEngineError(OperatorError):
    """No Docker engine can run the deployed containers here: `problem` says why."""


def find(environ: Mapping[str, str]) -> Engine:
    """Return the engine that the docker command uses. Raises `NoEngineError` if it cannot run the containers."""
    try:
        return _find(environ)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # A program that stands in for docker may print anything.
        raise NoEngineError(f"The docker command's output is not a Docker engine's ({error!r})", USE_ANOTHER) from error


def _find(environ: Mapping[str, str]) -> Engine:
    if program(environ) is None:
        raise NoEngineError("There is no docker program on PATH", "Install Docker Engine")
    # First, as a command to a distant engine may hang.
    endpoint = _endpoint(environ)
    server = _json(environ, "version").get("Server") or {}
    _check_product(environ, server)
    _check_server(server)
    path = _socket(endpoint)
    _check_features(_json(environ, "info"))
    _check_registry(environ)
    _check_network(environ)
    return Engine(socket=path, version=server["Version"])


def _endpoint(environ: Mapping[str, str]) -> str:
    """Return the URL of the engine's API, empty where the docker command knows of none; refuse another machine's."""
    context = ("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    endpoint = (environ.get(HOST_VARIABLE) or docker(environ, *context).output).strip()
    scheme, separator, _ = endpoint.partition("://")
    if separator and scheme != "unix":
        # Without the address, which may hold a user's name.
        raise NoEngineError(f"The Docker engine's endpoint is not a unix socket ({scheme})", USE_ANOTHER)
    return endpoint


def _check_product(environ: Mapping[str, str], server: Mapping[str, Any]) -> None:
    components = server.get("Components") or ()
    # The docker command adds an "Engine" to Podman's own components; Podman's command reports none.
    if "ApiVersion" in server and (not components or components[0]["Name"] == ENGINE_COMPONENT):
        return
    name = (
        "{Name} {Version}".format(**components[0])
        if components
        else docker(environ, "--version").output.strip() or "unknown"
    )
    raise NoEngineError(
        f"The engine is not Docker's but {name}, which may not run the containers' health checks", USE_ANOTHER
    )


def _check_server(server: Mapping[str, Any]) -> None:
    oldest = ".".join(map(str, OLDEST_API))
    if tuple(map(int, server["ApiVersion"].split("."))) < OLDEST_API:
        raise NoEngineError(
            f"Docker {server['Version']} has version {server['ApiVersion']} of the API, older than {oldest}",
            "Install Docker Engine 20.10 or newer",
        )
    if server["Os"] != "linux":
        raise NoEngineError(f"The Docker engine runs {server['Os']} containers", "Switch it to Linux containers")
    if server["Arch"] != ARCHITECTURE:
        raise NoEngineError(
            f"The Docker engine runs on {server['Arch']}, and the task definition is for {ARCHITECTURE}", USE_ANOTHER
        )


def _socket(endpoint: str) -> Path:
    """Return the path of the engine's socket, to which this process can connect."""
    match = UNIX_SOCKET.fullmatch(endpoint)
    if match is None:
        raise NoEngineError("The docker command has no unix socket as its endpoint", USE_ANOTHER)
    path = Path(match["path"])
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CONNECT_SECONDS)
            connection.connect(str(path))
    except OSError as error:
        raise NoEngineError(f"The Docker engine's socket {path} cannot be used: {error}", USE_ANOTHER) from error
    return path


def _check_features(info: Mapping[str, Any]) -> None:
    for option in info.get("SecurityOptions") or ():
        if (kind := USER_NAMESPACES.get(option.partition(",")[0])) is not None:
            raise NoEngineError(f"The Docker engine {kind}", USE_ANOTHER)
    missing = [limit for name, limit in LIMITS.items() if not info.get(name, True)]
    if missing:
        raise NoEngineError(
            f"The Docker engine cannot limit {' and '.join(missing)}", "Enable these control groups of the kernel"
        )


class _Listener(socketserver.TCPServer):
    """Closes each connection at once, and counts them."""

    connections = 0

    def finish_request(self, *_: object) -> None:
        self.connections += 1


def _check_registry(environ: Mapping[str, str]) -> None:
    """Have the engine pull from a port of this machine, as it will from the emulated ECR.

    An engine in a virtual machine (Docker Desktop), in a container or in its own network has another 127.0.0.1.
    """
    with _Listener((LOOPBACK, 0), socketserver.BaseRequestHandler) as listener:
        address = f"{LOOPBACK}:{listener.server_address[1]}"
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}).start()
        try:
            message = docker(environ, "pull", f"{address}/onetrace/never-pushed:1").message
        finally:
            listener.shutdown()
    if not listener.connections:
        raise NoEngineError(f"The Docker engine cannot reach {LOOPBACK} of this machine ({message})", USE_ANOTHER)


def _check_network(environ: Mapping[str, str]) -> None:
    """Create a network and look for its gateway among this machine's addresses: the load balancer connects by it."""
    name = f"onetrace-probe-{secrets.token_hex(4)}"
    created = docker(environ, "network", "create", name)
    if not created.succeeded:
        raise NoEngineError(
            f"The Docker engine cannot create a network ({created.message})", "Remove unused ones: docker network prune"
        )
    try:
        network = _json(environ, "network", "inspect", name)
        addresses = {each.address for interface in psutil.net_if_addrs().values() for each in interface}
    finally:
        docker(environ, "network", "rm", name)
    if addresses.isdisjoint(each.get("Gateway") for each in network["IPAM"]["Config"] or ()):
        raise NoEngineError("This machine cannot reach the Docker engine's networks", USE_ANOTHER)


def _json(environ: Mapping[str, str], *command: str) -> dict[str, Any]:
    """Return what the docker command prints as JSON. Raises `NoEngineError` if it fails, `ValueError` for no JSON."""
    result = docker(environ, *command, "--format", "{{json .}}")
    if result.succeeded:
        document: dict[str, Any] = json.loads(result.output)
        return document
    if "permission denied" in result.message.lower():
        raise NoEngineError(
            f"Permission denied by the Docker engine: {result.message}",
            "Join its group: sudo usermod -aG docker $USER, then log in again",
        )
    raise NoEngineError(f"The Docker engine does not respond ({result.message})", "Start it")
