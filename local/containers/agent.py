"""The container agent: runs tasks in containers of a Docker engine."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING

from local.containers.engine import deployment_of, remove_leftovers
from local.containers.forwarding import Forwarder
from local.containers.host import Host
from local.containers.launch import AssumeRole, Launch, Reports
from local.containers.network import TaskNetwork
from local.containers.task import Task

if TYPE_CHECKING:
    from docker import DockerClient


class ContainerAgent:
    """Implements `local.containers.launch.Agent`.

    The deployment is named by `state_folder`; what an agent that was killed has left of it is removed first.
    `endpoint` is the URL of the emulator. Raises `DockerException` where the engine refuses the network of the tasks.
    """

    def __init__(
        self,
        *,
        engine: DockerClient,
        state_folder: Path,
        settings_file: Path,
        endpoint: str,
        region: str,
        assume_role: AssumeRole,
        log: Callable[[str], None],
    ) -> None:
        deployment = deployment_of(state_folder)
        remove_leftovers(engine, deployment)
        self._host = Host(
            engine=engine,
            deployment=deployment,
            processors=int(engine.info()["NCPU"]),
            network=TaskNetwork(engine, deployment),
            forwarder=Forwarder(),
            folder=state_folder / "tasks",
            settings_file=settings_file,
            endpoint=endpoint,
            region=region,
            assume_role=assume_role,
            log=log,
        )
        self._tasks: dict[str, Task] = {}
        self._lock = Lock()
        self._closing = Event()

    @property
    def subnet(self) -> IPv4Network:
        """Return the network of the tasks' addresses, which this process has to reach."""
        return self._host.network.subnet

    def run(self, launch: Launch, reports: Reports) -> None:
        """Run a task to its end, in the caller's thread. A failure is reported and not raised."""
        task = Task(launch, reports, self._host)
        with self._lock:
            self._tasks[launch.task_arn] = task
            if self._closing.is_set():
                task.stop(0)
        try:
            task.run()
        finally:
            with self._lock:
                del self._tasks[launch.task_arn]

    def stop(self, task_arn: str, *, drain_seconds: float) -> None:
        """Ask a running task to stop, and return at once; without effect on one that has ended."""
        with self._lock:
            task = self._tasks.get(task_arn)
        if task is not None:
            task.stop(drain_seconds)

    def close(self) -> None:
        """Stop all tasks at once, wait until nothing of them is left, and remove the network. Idempotent."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
            tasks = list(self._tasks.values())
        for task in tasks:
            task.stop(0)
        for task in tasks:
            task.ended.wait()
        self._host.forwarder.close()
        self._host.network.close()
