"""The base images of the Dockerfiles: pulled, or a stand-in where no registry of images can be reached.

A stand-in has what the project's Dockerfiles rely on, as in the official image: `python` under /usr/local, pip, and a
standard library without bytecode (docker-library/python#615); for node, this machine's own. It is a minimal Debian with
this machine's certificate authorities, as a proxy may stand between it and its packages.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.containers.engine import build, docker, has_image

SUITE: Final = "trixie"
"""Debian's release of the base image."""
AUTHORITIES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
PULL_SECONDS: Final = 300
DEBOOTSTRAP_SECONDS: Final = 300
_DEBIAN: Final = f"onetrace-stand-in/debian:{SUITE}"
_FROM: Final = re.compile(
    r"^(?P<start>FROM\s+(?:--\S+\s+)*)(?P<name>\S+)(?P<stage>\s+AS\s+\S+)?", re.MULTILINE | re.IGNORECASE
)

_PYTHON: Final = f"""
FROM {_DEBIAN}
RUN ln -s python3 /usr/bin/python && ln -s /usr/bin/python3 /usr/local/bin/python \\
    && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \\
    && PYTHONPATH="$(ls /usr/share/python-wheels/pip-*.whl)" python -m pip install --no-compile --no-index \\
        --root-user-action ignore --find-links /usr/share/python-wheels pip \\
    && find /usr /root -depth -name __pycache__ -exec rm -r {{}} +
"""
_NODE: Final = f"""
FROM {_DEBIAN}
ENV NODE_EXTRA_CA_CERTS={AUTHORITIES}
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
"""


class NoBaseImageError(AssertionError):
    """A base image can neither be pulled nor be made here; the message says why and what to do."""


@dataclass(slots=True)
class BaseImages:
    """The images that the FROM lines name, and the stand-ins that were made for some of them, by name."""

    stand_ins: dict[str, str] = field(default_factory=dict)

    def resolve(self, dockerfile: Path) -> str:
        """Return the text of a Dockerfile, each base image that cannot be pulled replaced by its stand-in.

        A stand-in has no digest of the registry's, which is a hash of the image: so the line itself is changed.
        """
        stages = {"scratch"}

        def resolved(line: re.Match[str]) -> str:
            name, stage = line["name"], line["stage"] or ""
            if name.lower() not in stages and "$" not in name:
                name = self.available(name)
            stages.update(stage.lower().split()[1:])
            return f"{line['start']}{name}{stage}"

        return _FROM.sub(resolved, dockerfile.read_text(encoding="utf-8"))

    def available(self, name: str) -> str:
        """Return `name` where the engine has or pulls it, else the name of a stand-in. Raises `NoBaseImageError`."""
        if name in self.stand_ins:
            return self.stand_ins[name]
        if has_image(name):
            return name
        pull = docker("pull", "--quiet", name, seconds=PULL_SECONDS, check=False)
        if pull.returncode == 0:
            return name
        kind = name.rpartition("/")[2].partition(":")[0]
        reason = pull.stderr.strip().splitlines()[-1]
        if kind not in _STAND_INS:
            raise NoBaseImageError(f"{name} cannot be pulled, and has no stand-in: {reason}")
        self.stand_ins[name] = _STAND_INS[kind](name, reason)
        return self.stand_ins[name]


def _debian(name: str, reason: str) -> None:
    """Import a minimal Debian with Python."""
    if has_image(_DEBIAN):
        return
    mmdebstrap = shutil.which("mmdebstrap")
    if mmdebstrap is None:
        raise NoBaseImageError(
            f"{name} cannot be pulled ({reason}), and a stand-in needs mmdebstrap: install it, or reach the registry"
        )
    with tempfile.TemporaryDirectory(prefix="onetrace-stand-in-") as folder:
        archive = f"{folder}/debian.tar"
        authorities = f"upload {AUTHORITIES} {AUTHORITIES}"
        process = subprocess.run(
            [mmdebstrap, "--quiet", "--variant=minbase", "--include=ca-certificates,python3,python3-venv",
             f"--customize-hook={authorities}", SUITE, archive],
            capture_output=True, text=True, timeout=DEBOOTSTRAP_SECONDS, check=False,
        )  # fmt: skip
        if process.returncode != 0:
            raise NoBaseImageError(f"a stand-in for {name} could not be made by mmdebstrap: {process.stderr[-2000:]}")
        docker("import", archive, _DEBIAN, seconds=DEBOOTSTRAP_SECONDS)


def _python(name: str, reason: str) -> str:
    _debian(name, reason)
    tag = f"onetrace-stand-in/python:{_tag(name)}"
    with tempfile.TemporaryDirectory(prefix="onetrace-stand-in-") as folder:
        build(_PYTHON, context=folder, tag=tag)
    version = docker("run", "--rm", tag, "python", "--version").stdout.split()[1]
    if not _tag(name).startswith(version.rpartition(".")[0] + "-"):
        raise NoBaseImageError(f"{name} cannot be pulled ({reason}), and Debian's {SUITE} has Python {version}")
    return tag


def _node(name: str, reason: str) -> str:
    _debian(name, reason)
    tag = f"onetrace-stand-in/node:{_tag(name)}"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoBaseImageError(f"{name} cannot be pulled ({reason}), and this machine has no node and npm to copy")
    with tempfile.TemporaryDirectory(prefix="onetrace-stand-in-") as folder:
        shutil.copy(Path(node).resolve(), f"{folder}/node")
        shutil.copytree(Path(npm).resolve().parents[1], f"{folder}/npm", symlinks=True)
        build(_NODE, context=folder, tag=tag)
    return tag


def _tag(name: str) -> str:
    return name.rpartition("/")[2].partition("@")[0].partition(":")[2]


_STAND_INS: Final = {"python": _python, "node": _node}
