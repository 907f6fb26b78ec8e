"""Run the commands of the local mode in a state folder of their own, and call the AWS that they emulate."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.smoke_test.backends import TelemetryBackend, telemetry_backends
from local.workspace.folders import CHECKOUT, Folders
from local.workspace.state import FakePorts, State

APPLICATION: Final = Path(__file__).parent / "containers" / "lifecycle" / "application"
INHERITED: Final = re.compile(r"PATH|HOME|DOCKER_\w+|SSL_CERT_\w+|(UV|PIP)_\w+|\w+_(proxy|PROXY)")
"""Those by which images and packages are fetched, too."""
METRIC_MINUTE: Final = 1.0
"""Seconds: of a minute of the alarms' periods."""
UP_SECONDS: Final = 500
DOWN_SECONDS: Final = 120


@dataclass
class LocalEnvironment:
    """The application, the state folder and the emulated AWS."""

    root: Path
    mode: str = "containers"

    @property
    def state_folder(self) -> Path:
        return self.root / "state"

    @property
    def folders(self) -> Folders:
        return Folders(self.state_folder)

    @property
    def application(self) -> Path:
        return self.root / "application"

    # Commands

    def make(self) -> None:
        """Copy the application, so that a test can edit it."""
        shutil.copytree(APPLICATION, self.application, ignore=shutil.ignore_patterns("__pycache__"))

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment of the commands. Without a copy of the application it is the sample."""
        return {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)} | {
            "APP": str(self.application) if self.application.exists() else "",
            "CDK_DOCKER": str(CHECKOUT / "tests" / "containers" / "docker_with_stand_ins"),
            "LOCAL_METRIC_MINUTE": str(METRIC_MINUTE),
            "LOCAL_MODE": self.mode,
            "LOCAL_STATE_DIR": str(self.state_folder),
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command of the local mode."""
        return subprocess.Popen(
            [sys.executable, "-m", "local", *arguments],
            cwd=CHECKOUT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, seconds: float, statuses: Container[int] = (0,)) -> str:
        """Return the output of a command of the local mode, which exits with one of `statuses`."""
        with self.start(*arguments) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.terminate()
                raise AssertionError(f"local {arguments}: {process.communicate()[0]}") from None
        assert process.returncode in statuses, f"local {arguments} exited with {process.returncode}:\n{output}"
        return output

    def up(self) -> str:
        return self.run("up", seconds=UP_SECONDS)

    def down(self) -> str:
        return self.run("down", seconds=DOWN_SECONDS)

    # What is recorded

    @property
    def state(self) -> State:
        return State.load(self.folders.state_file)

    @property
    def outputs(self) -> Mapping[str, str]:
        return self.state.outputs

    @property
    def ports(self) -> FakePorts:
        ports = self.state.fake_ports
        assert ports is not None
        return ports

    @cached_property
    def aws(self) -> EmulatedAws:
        aws = EmulatedAws.of(self.state)
        assert aws is not None
        return aws

    def client(self, service: str) -> Any:  # noqa: ANN401 - any of boto3's clients
        """Return a client of the emulated AWS, as its administrator."""
        keys = {name.lower(): value for name, value in self.aws.credentials.items()}
        config = Config(proxies={})
        return boto3.client(service, endpoint_url=self.aws.endpoint, region_name=REGION, config=config, **keys)  # type: ignore[call-overload] # any service

    @property
    def rule(self) -> str:
        """Return the name of the deployed sampling rule that applies to all paths but that of the health check."""
        rules = [each["SamplingRule"] for each in self.aws.xray.get_sampling_rules()["SamplingRuleRecords"]]
        [name] = {each["RuleName"] for each in rules if each["URLPath"] == "*"} - {"Default"}
        return name

    @property
    def path(self) -> str:
        """Return that of the smoke test's request."""
        return "/" if self.application.exists() else "/api/activities/home"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.state.load_balancer_port}"

    @property
    def backends(self) -> dict[str, TelemetryBackend]:
        return telemetry_backends(self.aws, self.ports, self.outputs[Output.LOG_GROUP])
