"""Every locked package has a wheel for either architecture: an environment's tasks may run on `arm64`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.containers.conftest import ROOT

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("platform", ["aarch64", "x86_64"])
def test_every_locked_package_has_a_wheel_with_a_hash_of_the_lock(platform: str, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    # Of manylinux 2.28, which is older than the C library of the base image.
    options = ("--python-platform", f"{platform}-manylinux_2_28", "--python-version", "3.13", "--only-binary", ":all:")
    process = subprocess.run(
        [uv, "pip", "install", "--require-hashes", "--target", tmp_path, *options,
         "--requirement", ROOT / "service" / "requirements.txt"],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    libraries = [each.name for each in tmp_path.rglob("*.so") if "linux" in each.name]
    assert libraries
    assert [name for name in libraries if platform not in name] == []
