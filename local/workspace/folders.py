"""Name the files and folders that the local mode writes, all under one folder that git ignores."""

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
    """The paths under `root`."""

    root: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Folders:
        """Return the folders under `LOCAL_STATE_DIR`, or under `.local` of this checkout."""
        return cls(Path(environ.get(STATE_VARIABLE) or CHECKOUT / ".local").resolve())

    @property
    def state_file(self) -> Path:
        """Return the file that records the running processes."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Return the file that `up` and `down` lock while they run."""
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        """Return the folder of the log files."""
        return self.root / "logs"

    def log(self, role: str) -> Path:
        """Return the log file of one role."""
        return self.logs / f"{role}.log"

    @property
    def cdk_home(self) -> Path:
        """Return the CDK command line's home, where it caches account ids by access key."""
        return self.root / "cdk-home"

    @property
    def assembly(self) -> Path:
        """Return the cloud assembly of `cdk deploy`."""
        return self.root / "cdk.out"

    @property
    def outputs(self) -> Path:
        """Return the file of the stack outputs of `cdk deploy`."""
        return self.root / "outputs.json"

    def make(self) -> None:
        """Create the folders, readable by this user only."""
        for folder in (self.root, self.logs, self.cdk_home):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
