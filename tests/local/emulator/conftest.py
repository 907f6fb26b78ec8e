from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

CHECKOUT = Path(__file__).parents[3]
DEFAULT_ACCOUNT = "000000000000"
EMULATOR = "local.emulator"
SECONDS = 20.0
STOP_SECONDS = 60.0
POLL = 0.02

Template = dict[str, Any]
Client = Any
"""A boto3 client of any service: the stubs have a type for each one."""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(port: int, *options: str, module: str = EMULATOR, **extra: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, "--port", str(port), *options],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **extra},
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_ready(process: subprocess.Popen[str], endpoint: str, path: str = "/_ministack/health") -> None:
    deadline = time.monotonic() + SECONDS
    with requests.Session() as session:
        session.trust_env = False
        while process.poll() is None and time.monotonic() < deadline:
            try:
                session.get(f"{endpoint}{path}", timeout=2).raise_for_status()
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(POLL)
            else:
                return
    raise AssertionError(f"the emulator is not ready: exit {process.poll()}")


@contextmanager
def running_emulator(
    *options: str, module: str = EMULATOR, is_silent: bool = False, environment: Mapping[str, str] = {}
) -> Iterator[str]:
    """Run the emulator, or a module that does, and yield its endpoint. A silent one writes nothing to stderr."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with start(port, *options, module=module, **environment) as process:
        try:
            wait_until_ready(process, url)
            yield url
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=STOP_SECONDS)
    assert not is_silent or errors == ""


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with running_emulator("--push-here") as endpoint:
        yield endpoint


@cache
def _session() -> boto3.Session:
    """Share one session: loading the service models takes most of the time of creating a client."""
    return boto3.Session(region_name="us-east-1")


@dataclass(frozen=True)
class Aws:
    """One account of the emulator; each test has its own, unless it needs the default account."""

    endpoint: str
    account: str = field(default_factory=lambda: f"{secrets.randbelow(10**11) + 10**11}")

    def client(self, service: str) -> Client:
        return _session().client(
            service,  # type: ignore[call-overload] # the stubs want one literal name each
            endpoint_url=self.endpoint,
            aws_access_key_id=self.account,  # ministack takes a key of twelve digits as the account
            aws_secret_access_key="fake-secret-key",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=60, proxies={}),
        )

    def stack(self, resources: Template, **outputs: object) -> Stack:
        stack = Stack(self.client("cloudformation"), f"stack-{secrets.token_hex(4)}")
        stack.apply("create", resources, outputs)
        return stack


class Stack:
    """A CloudFormation stack; each operation waits for its outcome."""

    def __init__(self, cloudformation: Client, name: str) -> None:
        self._cloudformation = cloudformation
        self.name = name

    def apply(self, verb: str, resources: Template, outputs: Template, status: str = "") -> None:
        values = {name: {"Value": value} for name, value in outputs.items()}
        body = json.dumps({"Resources": resources, **({"Outputs": values} if values else {})})
        call = getattr(self._cloudformation, f"{verb}_stack")
        call(StackName=self.name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        self._await(status or f"{verb.upper()}_COMPLETE")

    def update(self, resources: Template, **outputs: object) -> None:
        self.apply("update", resources, outputs)

    def fail_to_update(self, resources: Template) -> list[str]:
        self.apply("update", resources, {}, status="UPDATE_ROLLBACK_COMPLETE")
        return self._reasons(self.name)

    def delete(self) -> None:
        stack_id = self._describe(self.name)["StackId"]
        self._cloudformation.delete_stack(StackName=self.name)
        self._await("DELETE_COMPLETE", stack_id)

    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self._describe(self.name)["Outputs"]}

    def physical_id(self, logical_id: str) -> str:
        response = self._cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        physical_id: str = response["StackResourceDetail"]["PhysicalResourceId"]
        return physical_id

    def _describe(self, name: str) -> Template:
        [stack] = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        description: Template = stack
        return description

    def _await(self, expected: str, name: str | None = None) -> None:
        deadline = time.monotonic() + SECONDS
        status = ""
        while time.monotonic() < deadline:
            status = self._describe(name or self.name)["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                break
            time.sleep(POLL)
        assert status == expected, self._reasons(name or self.name)

    def _reasons(self, name: str) -> list[str]:
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return [event["ResourceStatusReason"] for event in events if event.get("ResourceStatusReason")]


@pytest.fixture
def aws(endpoint: str) -> Aws:
    return Aws(endpoint)


@pytest.fixture
def default_aws(endpoint: str) -> Aws:
    return Aws(endpoint, DEFAULT_ACCOUNT)
