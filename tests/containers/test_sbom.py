"""The bill of materials that `make sbom` writes names what is installed in the image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.containers.conftest import ROOT, Images
from tests.containers.engine import docker

pytestmark = pytest.mark.timeout(900)

CYCLONEDX = ROOT / ".venv-sbom" / "bin" / "cyclonedx-py"
INSTALLED = """
from importlib.metadata import distributions
print(*(f"{each.name}=={each.version}" for each in distributions()), sep="\\n")
"""


def bill(target: Path) -> bytes:
    assert CYCLONEDX.exists(), "run `make test-containers`, which installs cyclonedx-bom"
    options = ("--output-reproducible", "--output-file", str(target))
    command = [str(CYCLONEDX), "requirements", *options, "service/requirements.txt"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    return target.read_bytes()


def test_it_has_every_package_of_the_image_with_its_version(images: Images, tmp_path: Path) -> None:
    components = json.loads(bill(tmp_path / "sbom.json"))["components"]
    listed = {f"{canonicalize_name(each['name'])}=={each['version']}" for each in components}
    output = docker("run", "--rm", "--network", "none", images.sample, "python", "-c", INSTALLED).stdout
    installed = {
        f"{canonicalize_name(name)}=={version}"
        for name, _, version in (line.partition("==") for line in output.split())
    }
    assert installed
    assert installed - listed == set()


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    assert bill(tmp_path / "1.json") == bill(tmp_path / "2.json")
