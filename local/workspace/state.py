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
    rollbar: int
    daemon: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """The service process behind the load balancer; an equal `identity` means equal code and environment."""

    port: int
    identity: str
    task_definition: str


@dataclass(slots=True)
class State:
    """The state that a later command needs."""

    processes: list[Record] = field(default_factory=list)
    gateway_port: int | None = None
    bootstrapped: bool = False
    fake_ports: FakePorts | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    service: RunningService | None = None

    def newest(self, role: str) -> Record | None:
        """Return the process of a role that was recorded last."""
        return next((each for each in reversed(self.processes) if each.role == role), None)

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
            gateway_port=document["gateway_port"],
            bootstrapped=document["bootstrapped"],
            fake_ports=FakePorts(**document["fake_ports"]) if document["fake_ports"] else None,
            outputs=document["outputs"],
            service=RunningService(**document["service"]) if document["service"] else None,
        )
