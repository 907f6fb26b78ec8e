"""Start the emulator and the fakes as `make up` does, in a state folder of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.backing_services import emulator, fakes
from local.backing_services.emulated_aws import FAKE_KEY, FAKE_KEY_ID, REGION, EmulatedAws
from local.workspace.folders import CHECKOUT, STATE_VARIABLE, Folders
from local.workspace.ports import LOOPBACK
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import FakePorts

_UMASK = 0o022
"""What users have by default: files are readable by everybody unless their mode says otherwise."""


class LocalMode:
    """The emulator and the fakes; each starts when it is first asked for, and all end with `stack`."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folders = Folders(folder)
        self._files_before = _ministack_files()
        stack.callback(os.umask, os.umask(_UMASK))
        self.folders.make()
        environ = {name: value for name, value in os.environ.items() if name != "LOCAL_PORT"}
        self._session = Session.fresh(self.folders, environ, Report(io.StringIO()))
        stack.callback(self._stop)

    @cached_property
    def emulated_aws(self) -> EmulatedAws:
        """The emulator."""
        return emulator.ensure(self._session, None)

    @cached_property
    def fakes(self) -> FakePorts:
        """The ports of the fakes."""
        return fakes.ensure(self._session, self.emulated_aws, daemon=True)

    def new_temporary_files(self) -> list[str]:
        """Return what ministack has put into the shared `/tmp` since the start."""
        return sorted(str(path) for path in _ministack_files() - self._files_before)

    def client(self, service: str) -> Any:  # noqa: ANN401 - a boto3 client of any service
        """Return a client of the emulator."""
        return boto3.client(  # type: ignore[call-overload] # the stubs want one literal name each
            service,
            endpoint_url=self.emulated_aws.endpoint,
            region_name=REGION,
            aws_access_key_id=FAKE_KEY_ID,
            aws_secret_access_key=FAKE_KEY,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=10, proxies={}),
        )

    def load_balancer(self, target_port: int) -> str:
        """Create a load balancer that forwards to a port; return the `Host` by which the emulator routes to it."""
        name, elb = f"attack-{target_port}", self.client("elbv2")
        [balancer] = elb.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"]
        created = elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId="vpc-1", TargetType="ip")
        arn = created["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": LOOPBACK, "Port": target_port}])
        forward = [{"Type": "forward", "TargetGroupArn": arn}]
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=forward
        )
        return f"{name}.alb.localhost:{self.emulated_aws.port}"

    def make_down(self) -> None:
        """Run the command of `make down` on this state folder."""
        command = [sys.executable, "-m", "local", "down"]
        environ = {"PATH": os.environ["PATH"], STATE_VARIABLE: str(self.folders.root)}
        subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, check=True, timeout=60)  # noqa: S603 - our own command

    def _stop(self) -> None:
        self._session.stop(list(self._session.state.processes))


def _ministack_files() -> set[Path]:
    return {path for top in Path("/tmp").glob("ministack*") for path in [top, *top.rglob("*")]}  # noqa: S108 - only listed
