"""What `make up` writes is private to its user, and lies under its state folder alone."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from flask_onetrace.contract import SECRET_SOURCES
from local.backing_services.emulated_aws import FAKE_KEY
from local.deploy.fake_keys import fake_key
from tests.acceptance.conftest import Checkout, Deployment, belongs_to

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

SHARED = Path("/tmp")  # noqa: S108 - the folder that must stay as it is
EMULATORS_DEFAULT = "ministack*"


def test_up_and_down_leave_nothing_in_a_temporary_folder_and_nothing_that_others_can_read(
    checkout: Checkout, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    loose = checkout.state / "logs" / "earlier.log"
    loose.parent.mkdir(parents=True, mode=0o755)
    loose.write_text("left by an earlier version")
    loose.chmod(0o644)
    shared = {path: path.stat().st_mtime_ns for path in SHARED.glob(EMULATORS_DEFAULT)}

    for command in ("up", "down"):
        result = checkout.run(command, TMPDIR=str(temporary))
        assert result.returncode == 0, result.stderr
        assert readable_by_others(checkout.state) == []
        assert list(temporary.iterdir()) == []
        assert {path: path.stat().st_mtime_ns for path in SHARED.glob(EMULATORS_DEFAULT)} == shared

    assert [path.name for path in checkout.state.iterdir() if path.name in {"tmp", "emulator"}] == []


def readable_by_others(folder: Path) -> list[Path]:
    paths = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    return [path for path in paths if path.stat().st_mode & 0o077]


def test_no_key_is_in_a_command_line(deployed: Deployment) -> None:
    keys = [FAKE_KEY, *map(fake_key, SECRET_SOURCES)]
    lines = [" ".join(each.cmdline()) for each in psutil.process_iter() if belongs_to(each, deployed.checkout.state)]

    assert len(lines) >= 4  # emulator, fakes, gunicorn and its worker
    assert [line for line in lines if any(key in line for key in keys)] == []
