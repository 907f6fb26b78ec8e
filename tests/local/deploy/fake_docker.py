"""A docker program for tests: it prints what it is told, and has no engine."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Environ = dict[str, str]

PROGRAM: Final = """\
import json, os, pathlib, shutil, socket, sys, time
answers = json.loads(pathlib.Path(__file__ + ".json").read_text())
images = pathlib.Path(__file__ + ".images")
line = " ".join(sys.argv[1:])
with open(__file__ + ".log", "a") as log:
    log.write(line + "\\n")
with open(__file__ + ".hosts", "a") as hosts:
    hosts.write(os.environ.get("DOCKER_HOST", "") + "\\n")
command = next((each for each in answers if line.startswith(each)), None)
answer = answers[command] if command is not None else {}
if answer.get("connect"):
    host, port = sys.argv[-1].partition("/")[0].split(":")
    socket.create_connection((host, int(port))).close()
time.sleep(answer.get("sleep", 0))
sys.stdout.write(answer.get("out", ""))
sys.stderr.write(answer.get("err", ""))
code = answer.get("exit", 0 if command is not None else 1)
if code == 0 and command == "image inspect":
    code = 0 if sys.argv[-1] in images.read_text().split() else 1
if code == 0 and command == "build":
    shutil.copytree(".", __file__ + ".context", dirs_exist_ok=True)
if code == 0 and answer.get("adds"):
    name = sys.argv[-1] if command == "pull" else sys.argv[sys.argv.index("--tag") + 1]
    images.write_text(images.read_text() + name + "\\n")
sys.exit(code)
"""


@dataclass
class FakeDocker:
    """Answers to commands by their first words; a command without one fails. As made, those of a suitable engine."""

    folder: Path
    socket: Path
    name: str = "docker"
    server: dict[str, Any] = field(
        default_factory=lambda: {
            "Version": "27.5.1",
            "ApiVersion": "1.47",
            "Os": "linux",
            "Arch": "amd64",
            "Components": [{"Name": "Engine", "Version": "27.5.1"}, {"Name": "containerd", "Version": "1.7.25"}],
        }
    )
    info: dict[str, Any] = field(
        default_factory=lambda: {
            "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"],
            "MemoryLimit": True,
            "CpuCfsQuota": True,
        }
    )
    gateway: str = "127.0.0.1"
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Replace or join those of the engine."""

    def install(self, **variables: str) -> Environ:
        """Return variables with this program on an otherwise empty PATH."""
        program = self.folder / self.name
        program.write_text(f"#!{sys.executable} -IS\n{PROGRAM}", encoding="utf-8")
        program.chmod(0o755)
        networks = json.dumps({"IPAM": {"Config": [{"Subnet": "127.0.0.0/24", "Gateway": self.gateway}]}})
        answers = {
            "version": {"out": json.dumps({"Client": {}, "Server": self.server})},
            "context inspect": {"out": f"unix://{self.socket}\n"},
            "info": {"out": json.dumps(self.info)},
            "pull": {"connect": True, "err": "Error response from daemon: EOF", "exit": 1},
            "network create": {},
            "network inspect": {"out": networks},
            "network rm": {},
            "image inspect": {},
            "build": {"adds": True},
        }
        (self.folder / f"{self.name}.images").touch()
        (self.folder / f"{self.name}.json").write_text(json.dumps(answers | self.answers), encoding="utf-8")
        return {"PATH": str(self.folder)} | variables

    @property
    def context(self) -> Path:
        """Return a copy of the build contexts."""
        return self.folder / f"{self.name}.context"

    @property
    def commands(self) -> list[str]:
        """Return the commands that were run."""
        return self._lines("log")

    @property
    def hosts(self) -> list[str]:
        """Return `DOCKER_HOST` of each command."""
        return self._lines("hosts")

    def _lines(self, kind: str) -> list[str]:
        file = self.folder / f"{self.name}.{kind}"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
