"""Know where the no-account mode keeps what it writes: one folder, ignored by git."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[2]
STATE_VARIABLE: Final = "LOCAL_STATE_DIR"


@dataclass(frozen=True, slots=True)
class Folders:
    """Everything under `root`."""

    root: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Folders:
        """Return the folders under `LOCAL_STATE_DIR`, or under `.local` of this checkout."""
        return cls(Path(environ.get(STATE_VARIABLE) or CHECKOUT / ".local").resolve())

    @property
    def state_file(self) -> Path:
        """Return where the running processes are recorded."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Return what a running `up` or `down` holds locked."""
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        """Return where each process writes its output."""
        return self.root / "logs"

    def log(self, role: str) -> Path:
        """Return the log file of one role."""
        return self.logs / f"{role}.log"

    @property
    def cdk_home(self) -> Path:
        """Return the CDK command line's own home: it caches accounts by access key there."""
        return self.root / "cdk-home"

    @property
    def assembly(self) -> Path:
        """Return where `cdk deploy` writes the cloud assembly."""
        return self.root / "cdk.out"

    @property
    def outputs(self) -> Path:
        """Return where `cdk deploy` writes the stack outputs."""
        return self.root / "outputs.json"

    def make(self) -> None:
        """Create the folders that others write to, readable by this user alone."""
        for folder in (self.root, self.logs, self.cdk_home):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
