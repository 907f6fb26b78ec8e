"""Remember, across commands, what runs: one JSON file, replaced as a whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.workspace.errors import LocalError


@dataclass(frozen=True, slots=True)
class Record:
    """One process. `created` is its start time as the system tells it: a recycled pid has another."""

    role: str
    pid: int
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StandInPorts:
    """Where the stand-ins listen."""

    honeycomb: int
    rollbar: int
    daemon: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """The service process behind the load balancer; two with one `identity` would behave alike."""

    port: int
    identity: str
    task_definition: str


@dataclass(slots=True)
class State:
    """All that a later command needs to know."""

    processes: list[Record] = field(default_factory=list)
    gateway_port: int | None = None
    bootstrapped: bool = False
    stand_ins: StandInPorts | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    service: RunningService | None = None

    def of(self, role: str) -> Record | None:
        """Return the newest process of a role."""
        return next((each for each in reversed(self.processes) if each.role == role), None)

    def forget(self, gone: Iterable[Record]) -> None:
        """Remove processes that are no more."""
        ended = set(gone)
        self.processes = [each for each in self.processes if each not in ended]

    def save(self, path: Path) -> None:
        """Replace the file at once, so that a crash leaves the old or the new one."""
        written = path.with_suffix(f".{os.getpid()}.tmp")
        written.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        written.replace(path)

    @classmethod
    def load(cls, path: Path) -> State:
        """Return the recorded state, an empty one when there is none; raises `LocalError` when it is unreadable."""
        try:
            return cls._from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()
        except (ValueError, TypeError, KeyError) as error:
            raise LocalError(
                f"{path} is not a state file of this version ({error})",
                "Delete it and run make down: processes are found without it",
            ) from error

    @classmethod
    def _from_dict(cls, read: dict[str, Any]) -> State:
        return cls(
            processes=[Record(**each) for each in read["processes"]],
            gateway_port=read["gateway_port"],
            bootstrapped=read["bootstrapped"],
            stand_ins=StandInPorts(**read["stand_ins"]) if read["stand_ins"] else None,
            outputs=read["outputs"],
            service=RunningService(**read["service"]) if read["service"] else None,
        )
