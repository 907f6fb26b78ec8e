"""The images that `make up` builds for itself, by a real engine."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.xray_daemon_image import IMAGE
from local.deploy import docker_engine, helper_images
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from tests.containers.base_images import BaseImages
from tests.containers.engine import docker, has_image

NO_IMAGE = "127.0.0.1:9/xray/daemon:none"
"""Nothing listens on the port of this registry."""
DOCKER_WITH_STAND_INS = Path(__file__).with_name("docker_with_stand_ins")


@pytest.mark.usefixtures("socket_enabled")
def test_the_relay_and_the_x_ray_daemon_are_there_and_the_output_says_which_daemon(
    base_images: BaseImages,  # noqa: ARG001 - an engine responds
    tmp_path: Path,
    record: Callable[[str, str], None],
) -> None:
    folders, out = Folders(tmp_path), io.StringIO()
    folders.make()
    environ = {**os.environ, "CDK_DOCKER": str(DOCKER_WITH_STAND_INS)}
    session = Session.fresh(folders, environ, Report(out))

    images = helper_images.ensure(session, docker_engine.find(environ))

    assert has_image(images.relay)
    daemon = images.stand_ins.get(IMAGE, IMAGE)
    assert has_image(daemon)
    [line] = [each.strip() for each in out.getvalue().splitlines() if each.startswith("  X-Ray daemon: ")]
    assert ("the public image" in line) if daemon == IMAGE else ("stand-in" in line)
    record("the X-Ray daemon of make up", line.removeprefix("X-Ray daemon: "))


@pytest.mark.usefixtures("socket_enabled")
def test_where_the_daemon_cannot_be_pulled_its_user_can_run_the_stand_in(
    base_images: BaseImages,  # noqa: ARG001 - an engine responds
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(helper_images, "XRAY_DAEMON", NO_IMAGE)
    folders = Folders(tmp_path)
    folders.make()
    environ = {**os.environ, "CDK_DOCKER": str(DOCKER_WITH_STAND_INS)}
    session = Session.fresh(folders, environ, Report(io.StringIO()))

    images = helper_images.ensure(session, docker_engine.find(environ))

    stand_in = images.stand_ins[NO_IMAGE]
    command = (
        "--entrypoint",
        "python",
        stand_in,
        "-c",
        "import local.fakes.xray_daemon.daemon, os; print(os.getuid())",
    )
    assert docker("run", "--rm", "--network", "none", "--read-only", *command).stdout == "65534\n"
