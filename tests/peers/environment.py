"""Install the suites' packages into a virtual environment of their own, and unpack their source distributions.

Everything is locked by hash: the source distributions too, and the build back ends that tell pip their metadata.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / ".peers"
LOCK = CHECKOUT / "requirements" / "peers.txt"

_TIMEOUT = 600


class PeersError(Exception):
    """The suites cannot be installed, or one of them did not run to its end."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package of a lock file: its version, and its lines."""

    version: str
    lines: str


def requirements(lock: Path) -> Mapping[str, Requirement]:
    """Return the packages of a lock file by name."""
    entries = re.findall(r"^(([a-z][^=\n]*)==(\S+).*\n(?:[ ]+--hash.*\n)+)", lock.read_text(), re.MULTILINE)
    return {name: Requirement(version, lines) for lines, name, version in entries}


def prepare(suites: Collection[str]) -> Path:
    """Return the virtual environment's Python; what is installed and unpacked already is kept, for the same lock."""
    python = FOLDER / "venv" / "bin" / "python"
    stamp = FOLDER / "stamp"
    wanted = hashlib.sha256(f"{sys.version}{sorted(suites)}{LOCK.read_text()}".encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(FOLDER / "venv"))
        uv = Path(sys.prefix) / "bin" / "uv"
        _run(str(uv), "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r", str(LOCK))
        _unpack(python, suites)
        stamp.write_text(wanted)
    return python


def source_of(suite: str) -> Path:
    """Return the folder of the suite's unpacked source distribution."""
    return FOLDER / "sources" / suite


def _unpack(python: Path, suites: Collection[str]) -> None:
    locked = requirements(LOCK)
    archives, sources = FOLDER / "archives", FOLDER / "sources"
    sources.mkdir()
    (sources / "pytest.ini").touch()  # a suite without a configuration of its own would get this checkout's
    for suite in suites:
        wanted = FOLDER / f"{suite}.txt"
        wanted.write_text(locked[suite].lines)
        flags = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes", "--no-cache-dir")
        _run(str(python), "-m", "pip", "download", "--quiet", *flags, "-d", str(archives / suite), "-r", str(wanted))
        [archive] = (archives / suite).iterdir()
        with tarfile.open(archive) as tar:
            # Hashes say what is in it; Debian 12's Python 3.11.2 has no filters yet.
            options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            tar.extractall(archives / suite, **options)  # noqa: S202 - as above
        archive.unlink()
        [unpacked] = (archives / suite).iterdir()
        unpacked.rename(source_of(suite))


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, timeout=_TIMEOUT, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    except subprocess.SubprocessError as error:
        raise PeersError(
            f"the suites of {LOCK.name} cannot be installed, see above: is the index reachable?"
        ) from error
