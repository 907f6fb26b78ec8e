"""Give each task an address and a 127.0.0.1 of its own, as awsvpc does.

The tasks are on one bridge network, where the load balancer reaches them by their addresses. Each task has one network
namespace, which its containers join. Its relay (images/relay.py) holds that, as the pause container of Amazon ECS does.
What listens on this machine's 127.0.0.1 is not reachable from there: the relay connects the ports of the settings to
unix sockets, which the agent forwards.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from docker.types import LogConfig

from local.containers.engine import DEPLOYMENT_LABEL, remove
from local.containers.errors import TaskStartError
from local.containers.forwarding import Forwarder
from local.containers.images.relay import METADATA_ADDRESS, READY
from local.containers.metadata import SOCKET

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

MOUNT: Final = "/run/onetrace"
READY_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02
RELAY_MEMORY: Final = "64m"
NO_CROSS_TRAFFIC: Final = {"com.docker.network.bridge.enable_icc": "false"}
"""Tasks do not reach each other, as their security group has no rule for it ("bridge", Docker's network drivers)."""
ENGINE_LOG: Final = {"max-size": "10m", "max-file": "2"}


def engine_log() -> LogConfig:
    """Return a log driver that `docker logs` can read, whatever the engine's default is."""
    return LogConfig(type="json-file", config=dict(ENGINE_LOG))


class TaskNetwork:
    """The bridge network of a deployment. Raises an error of the engine where it cannot be created."""

    def __init__(self, engine: DockerClient, deployment: str) -> None:
        self.name = f"onetrace-{deployment}"
        self._network = engine.networks.create(
            self.name, driver="bridge", options=NO_CROSS_TRAFFIC, labels={DEPLOYMENT_LABEL: deployment}
        )
        self._network.reload()
        # An engine that gives every network IPv6, too, has two.
        subnets = [each["Subnet"] for each in self._network.attrs["IPAM"]["Config"]]
        self.subnet = next(IPv4Network(each) for each in subnets if ":" not in each)
        """Of the tasks' addresses."""

    def close(self) -> None:
        """Remove the network. No task may be on it."""
        remove(self._network.remove)


class TaskNamespace:
    """The network namespace of one task. `folder` has the socket of its metadata.

    Raises `TaskStartError` where the relay does not start, and the errors of the engine.
    """

    def __init__(
        self,
        engine: DockerClient,
        network: TaskNetwork,
        forwarder: Forwarder,
        *,
        folder: Path,
        ports: Sequence[int],
        metadata_port: int,
        image: str,
        name: str,
        labels: Mapping[str, str],
    ) -> None:
        sockets = {f"{port}.sock": port for port in ports}
        routes = [f"127.0.0.1:{port}={socket}" for socket, port in sockets.items()]
        with ExitStack() as stack:
            servers = forwarder.open(folder, sockets)
            stack.callback(forwarder.shut, servers)
            self._relay = engine.containers.create(
                image,
                [MOUNT, *routes, f"{METADATA_ADDRESS}:{metadata_port}={SOCKET}"],
                name=name,
                labels=dict(labels),
                network=network.name,
                volumes={str(folder): {"bind": MOUNT, "mode": "ro"}},
                **_relay_options(),
            )
            stack.callback(remove, partial(self._relay.remove, force=True, v=True))
            self._relay.start()
            _wait_until_ready(self._relay)
            self._cleanup = stack.pop_all()
        self.mode = f"container:{self._relay.id}"
        """The engine's network mode of a container that joins the namespace."""
        self._relay.reload()
        self.address = str(self._relay.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"])

    def is_held(self) -> bool:
        """Return whether the relay runs: without it the task has no network."""
        self._relay.reload()
        return str(self._relay.status) == "running"

    def close(self) -> None:
        """Remove the relay and its sockets. The containers of the task have ended."""
        self._cleanup.close()


def _relay_options() -> dict[str, Any]:
    """Return the engine's options for the relay, which has no more rights than it needs."""
    return {
        # For the address of the metadata and, after that, to become the owner of the folder.
        "cap_drop": ["ALL"],
        "cap_add": ["NET_ADMIN", "SETGID", "SETUID"],
        # SELinux would keep it from the sockets, which a process of this machine has made.
        "security_opt": ["no-new-privileges:true", "label=disable"],
        "user": "0:0",
        "read_only": True,
        "mem_limit": RELAY_MEMORY,
        "log_config": engine_log(),
        "use_config_proxy": False,
    }


def _wait_until_ready(relay: Container) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while READY not in (output := relay.logs().decode(errors="replace")):
        relay.reload()
        if relay.status not in ("created", "running") or time.monotonic() > deadline:
            raise TaskStartError(f"ResourceInitializationError: the relay of the task is {relay.status}: {output}")
        time.sleep(POLL_SECONDS)
