"""Start what is attacked: the service under its real gunicorn configuration, with four live sinks, and the emulator."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import boto3
import psutil
from botocore.config import Config

from bench import load
from bench.attacks import raw_http
from bench.attacks.received import Received
from bench.load import Load
from bench.paths import HOME, NOTIFICATIONS
from bench.testbed.service_process import ROOT, Service, start
from bench.testbed.sinks import Sinks
from service.contract import HEALTH_CHECK_PATH

START_TIMEOUT = 20.0
GIVE_UP = 2.0
"""Seconds after which an innocent client counts a request as unanswered."""
_PAUSE = 0.01
_INNOCENT_CONNECTIONS = 4
_POLL_INTERVAL = 0.05
_EMULATOR_SECONDS = 30.0
_FAKE_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "fake-key-id", "AWS_SECRET_ACCESS_KEY": "fake-key"}


class StartError(RuntimeError):
    """The service did not start. The message is what it wrote to its standard error."""


@dataclass
class Target:
    """A running service, what its sinks received, and its standard error, if that is a file."""

    service: Service
    sinks: Sinks
    received: Received
    _stderr: IO[bytes]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.service.port

    def stderr(self) -> str:
        """Return what it has written to its standard error."""
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "surrogateescape")

    def rss(self) -> float:
        """Return the worker's resident memory in MiB."""
        return float(psutil.Process(self.service.worker).memory_info().rss) / 2**20

    def cpu(self) -> float:
        """Return the worker's CPU time in seconds."""
        times = psutil.Process(self.service.worker).cpu_times()
        return float(times.user + times.system)

    def innocent(self, seconds: float) -> Load:
        """Send an innocent client's requests for some seconds, from a process of its own."""
        return innocent(self.port, seconds)

    def answers(self, seconds: float = 10.0) -> bool:
        """Wait until it answers a health check; return whether it does."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if raw_http.get(self.port, HEALTH_CHECK_PATH, timeout=1.0).status == 200:
                return True
            time.sleep(_POLL_INTERVAL)
        return False


def innocent(port: int, seconds: float, *, host: str = "service.test") -> Load:
    """Send an innocent client's requests: four connections, a hundred a second each at most."""
    client = load.Client(host=host, timeout=GIVE_UP, pause=_PAUSE)
    paths = (HOME, NOTIFICATIONS)
    return load.run_in_process(port, paths, connections=_INNOCENT_CONNECTIONS, seconds=seconds, client=client)


def unanswered(result: Load) -> int:
    """Return how many requests got no response in time, or an error."""
    return sum(count for status, count in result.statuses.items() if status != "200")


class Lab:
    """Starts what the attacks need, and stops it at the end. `short` asks for smaller attacks."""

    def __init__(self, stack: ExitStack, *, short: bool) -> None:
        self.short = short
        self._stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="attack-")))
        """Where the emulator and the fakes have their temporary files."""
        self._files_before = ministack_files()

    @contextmanager
    def target(
        self, variables: Mapping[str, str] | None = None, *, keeps_bodies: bool = True, stderr: int | None = None
    ) -> Iterator[Target]:
        """Start a service with `variables`, and stop it at the end. Raises `StartError`."""
        with ExitStack() as stack:
            sinks = Sinks(stack, keeps_bodies=keeps_bodies)
            errors = stack.enter_context(tempfile.TemporaryFile())
            environment = {**sinks.environment(()), "FAULT_ROUTES": "false", **(variables or {})}
            service = start("attacked", environment, START_TIMEOUT, stderr=errors if stderr is None else stderr)
            if service is None:
                errors.seek(0)
                raise StartError(errors.read().decode("utf-8", "replace"))
            stack.callback(service.kill)
            yield Target(service, sinks, Received(sinks), errors)

    @cached_property
    def emulator(self) -> int:
        """The port of the local emulator, which runs until the end."""
        port = free_port()
        self.start("local.emulator", "--port", str(port))
        wait_for_port(port)
        return port

    def temporary_files(self) -> list[str]:
        """Return the names of the temporary files that the processes of this lab have left so far."""
        return sorted(str(path) for path in (ministack_files() - self._files_before) | {*self.folder.rglob("*")})

    def start(self, module: str, *arguments: str) -> None:
        """Start a module of the project in a process of its own, and end it with this lab."""
        process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "TMPDIR": str(self.folder), **_FAKE_CREDENTIALS},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(_end, process)

    def aws(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client of any service
        """Return a client of the emulator."""
        return boto3.client(  # type: ignore[call-overload] # the stubs want one literal name each
            service,
            endpoint_url=f"http://{raw_http.LOOPBACK}:{self.emulator}",
            region_name="us-east-1",
            aws_access_key_id=_FAKE_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_FAKE_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10, proxies={}),
        )

    def load_balancer(self, target_port: int) -> str:
        """Create a load balancer that forwards to a port; return the `Host` by which the emulator routes to it."""
        name = f"attack-{target_port}"
        elb = self.aws("elbv2")
        [balancer] = elb.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"]
        [group] = elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId="vpc-1", TargetType="ip")[
            "TargetGroups"
        ]
        arn = group["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": raw_http.LOOPBACK, "Port": target_port}])
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        return f"{name}.alb.localhost:{self.emulator}"


def free_port() -> int:
    """Return a port on which nothing listens now."""
    with socket.create_server((raw_http.LOOPBACK, 0)) as free:
        port: int = free.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Wait until something listens. Raises `RuntimeError` if nothing does."""
    deadline = time.monotonic() + _EMULATOR_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), raw_http.connect(port):
            return
        time.sleep(_POLL_INTERVAL)
    raise RuntimeError(f"nothing listens on port {port} after {_EMULATOR_SECONDS:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by SIGKILL if SIGTERM does not do in 10 s."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ministack_files() -> set[Path]:
    """Return the files and folders that ministack has below `/tmp`, whatever `TMPDIR` says."""
    return {path for top in Path("/tmp").glob("ministack*") for path in [top, *top.rglob("*")]}  # noqa: S108 - only listed
