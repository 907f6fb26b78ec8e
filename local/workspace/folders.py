"""Name the files and folders that the local mode writes, all under one folder that git ignores."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from operations.errors import OperatorError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
STATE_VARIABLE: Final = "LOCAL_STATE_DIR"
PRIVATE: Final = 0o700
"""The permissions of the owner; those of the group and of others are removed."""
PRIVATE_UMASK: Final = 0o077


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

    @property
    def temporary(self) -> Path:
        """Return the folder of the child processes' temporary files."""
        return self.root / "tmp"

    @property
    def emulator(self) -> Path:
        """Return the folder of the files that the emulator writes."""
        return self.root / "emulator"

    @property
    def venvs(self) -> Path:
        """Return the folder of the applications' virtual environments, which `make down` keeps."""
        return self.root / "venvs"

    @property
    def packages(self) -> Path:
        """Return the folder of what an application's virtual environment imports from this checkout."""
        return self.root / "packages"

    @property
    def database(self) -> Path:
        """Return the folder of the application's database."""
        return self.root / "postgresql"

    @property
    def agent_settings(self) -> Path:
        """Return the file of the container agent's settings."""
        return self.root / "agent.json"

    def make(self) -> None:
        """Create the folders, and let this user alone read them and what an earlier version left in them."""
        for folder in (self.root, self.logs, self.cdk_home, self.temporary, self.emulator, self.venvs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.restrict()

    def restrict(self) -> None:
        """Remove the permissions of the group and of others from every file and folder. Raises `OperatorError`."""
        for path in (self.root, *self._entries()):
            try:
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & PRIVATE)
            except FileNotFoundError:
                continue  # a child process removed its temporary file
            except PermissionError as error:
                raise OperatorError(f"{path} belongs to another user", f"Delete {self.root}") from error

    def _entries(self) -> Iterator[Path]:
        """List what is under `root`, of what others write for themselves only the folder.

        uv links an environment's files to its cache, and PostgreSQL's may belong to its own user.
        """
        for entry in self.root.iterdir():
            yield entry
            if entry not in (self.venvs, self.database) and not entry.is_symlink():
                yield from entry.rglob("*")

    def remove_temporary(self) -> None:
        """Remove the temporary files, once no child process runs."""
        for folder in (self.temporary, self.emulator):
            shutil.rmtree(folder, ignore_errors=True)
