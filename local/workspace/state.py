"""Persist, between commands, what is running: one JSON file, replaced atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from operations.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Record:
    """One process. `created` is its start time in seconds since the epoch: it tells a recycled pid apart."""

    role: str
    pid: int
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePorts:
    """The ports that the fakes listen on."""

    honeycomb: int
    honeycomb_eu: int
    """Of Honeycomb's other region, where nothing is sent."""
    rollbar: int
    daemon: int | None
    """None where the tasks have an X-Ray daemon of their own, in containers."""

    def __str__(self) -> str:
        daemon = "" if self.daemon is None else f"  X-Ray daemon :{self.daemon}"
        return f"Honeycomb :{self.honeycomb}  Rollbar :{self.rollbar}{daemon}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """The service process behind the load balancer; an equal `identity` means equal code and environment."""

    port: int
    pid: int
    identity: str
    task_definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedService:
    """What the emulated ECS runs in containers; an equal `identity` means equal secrets and settings."""

    task_definition: str
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The application that is up: the folder of its description, and the `FLASK_APP` that replaces the file's."""

    name: str
    folder: str
    flask_app: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The application's PostgreSQL: the folder of its data, its port and the password of its one user."""

    folder: str
    port: int
    password: str = field(repr=False)


@dataclass(slots=True)
class State:
    """The state that a later command needs."""

    processes: list[Record] = field(default_factory=list)
    application: Selected | None = None
    engine: str | None = None
    """The socket of the Docker engine whose containers the emulated ECS runs; None where the service is a process."""
    gateway_port: int | None = None
    secret_key: str = field(default="", repr=False)
    """That of the emulator's administrator, where it enforces IAM."""
    load_balancer_port: int | None = None
    bootstrapped: bool = False
    stacks: str = ""
    """What the deployed stacks were synthesized from, as a digest; empty before the first deploy."""
    fake_ports: FakePorts | None = None
    console_port: int | None = None
    database: Database | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    service: RunningService | None = None
    containers: DeployedService | None = None

    def remove(self, records: Iterable[Record]) -> None:
        """Remove processes that have ended."""
        ended = set(records)
        self.processes = [each for each in self.processes if each not in ended]

    def save(self, path: Path) -> None:
        """Replace the file atomically: a crash leaves either the old or the new one."""
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> State:
        """Return the saved state, or an empty one without a file. Raises `OperatorError` for an unreadable file."""
        try:
            return cls._from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, KeyError) as error:
            raise OperatorError(
                f"{path} is not a state file of this version ({error})",
                "Delete it and run make down, which finds the processes without it",
            ) from error

    @classmethod
    def _from_dict(cls, document: dict[str, Any]) -> State:
        return cls(
            processes=[Record(**each) for each in document["processes"]],
            application=Selected(**document["application"]) if document["application"] else None,
            engine=document["engine"],
            gateway_port=document["gateway_port"],
            secret_key=document["secret_key"],
            load_balancer_port=document["load_balancer_port"],
            bootstrapped=document["bootstrapped"],
            stacks=document["stacks"],
            fake_ports=FakePorts(**document["fake_ports"]) if document["fake_ports"] else None,
            console_port=document["console_port"],
            database=Database(**document["database"]) if document["database"] else None,
            outputs=document["outputs"],
            service=RunningService(**document["service"]) if document["service"] else None,
            containers=DeployedService(**document["containers"]) if document["containers"] else None,
        )
