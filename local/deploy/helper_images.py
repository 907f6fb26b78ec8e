"""Provide the images of the containers beside the application's: the relay, and the X-Ray daemon or its stand-in."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.xray_daemon_image import IMAGE as XRAY_DAEMON
from local.containers.images import stage_context
from local.deploy.docker_command import docker, program, select, variables
from local.deploy.docker_engine import Engine
from local.workspace.errors import FailedStepError
from local.workspace.report import Step
from local.workspace.session import Session
from local.workspace.steps import Program, run
from operations.errors import OperatorError

RELAY: Final = "relay"
STAND_IN: Final = "xray-daemon"
REPOSITORY: Final = "onetrace-local"
BUILD_SECONDS: Final = 300.0
PULL_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperImages:
    """The names of images that the engine has. `stand_ins` has those that run in place of others, by their names."""

    relay: str
    stand_ins: Mapping[str, str]


def ensure(session: Session, engine: Engine) -> HelperImages:
    """Build or pull what the engine lacks, and report which X-Ray daemon runs. Raises `OperatorError`."""
    with tempfile.TemporaryDirectory(dir=session.folders.temporary) as folder:
        context = Path(folder)
        dockerfile = stage_context(context)
        _make_readable(context)
        images = _Images(session, select(session.environ, engine.socket), context, dockerfile)
        relay = images.build(RELAY)
        if session.state.containers is not None and images.exists(images.tag(STAND_IN)):
            # An update replaces no task only because the public image can be pulled by now.
            return HelperImages(relay=relay, stand_ins={XRAY_DAEMON: images.tag(STAND_IN)})
        reason = images.pull(XRAY_DAEMON)
        if reason is None:
            session.report.line("  X-Ray daemon: the public image")
            return HelperImages(relay=relay, stand_ins={})
        stand_in = images.build(STAND_IN)
    session.report.line(f"  X-Ray daemon: this project's stand-in, as the public image cannot be pulled ({reason})")
    return HelperImages(relay=relay, stand_ins={XRAY_DAEMON: stand_in})


def _make_readable(context: Path) -> None:
    """Let every user read the files, as the containers' do, whatever the umask that they were made with."""
    for path in (context, *context.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _digest(context: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(each for each in context.rglob("*") if each.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(context)} {content}\n".encode())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class _Images:
    """The engine's images. `environ` selects the engine; `dockerfile` is in `context`, the staged folder."""

    session: Session
    environ: Mapping[str, str]
    context: Path
    dockerfile: Path

    def tag(self, target: str) -> str:
        """Return the tag of a target's image, which changes with its sources."""
        return f"{REPOSITORY}/{target}:{_digest(self.context)}"

    def build(self, target: str) -> str:
        """Return the tag of a target's image, which is built unless the engine has it."""
        tag = self.tag(target)
        if not self.exists(tag):
            with self.session.report.step(f"Build the {target} image") as step:
                options = ("--tag", tag, "--target", target, "--file", str(self.dockerfile.relative_to(self.context)))
                self._run(f"{target}-image", ["build", *options, "."], step, BUILD_SECONDS)
            if not self.exists(tag):
                raise OperatorError(
                    "docker build left no image in the engine", "Select its own builder: docker buildx use default"
                )
        return tag

    def pull(self, name: str) -> str | None:
        """Pull an image unless the engine has it; return why it cannot be pulled, None if it is there."""
        if self.exists(name):
            return None
        with self.session.report.step("Pull the X-Ray daemon's image") as step:
            try:
                self._run("xray-daemon-pull", ["pull", name], step, PULL_SECONDS)
            except FailedStepError as error:
                step.note = "not available"
                return error.lines[-1] if error.lines else error.problem
        return None

    def exists(self, name: str) -> bool:
        """Return whether the engine has the image."""
        return docker(self.environ, "image", "inspect", name).succeeded

    def _run(self, role: str, arguments: Sequence[str], step: Step, seconds: float) -> None:
        command = Program(
            role=role,
            title=f"docker {arguments[0]}",
            command=[program(self.environ) or "docker", *arguments],
            environment=variables(self.environ),
            cwd=self.context,
            seconds=seconds,
        )
        run(self.session, command, step)
