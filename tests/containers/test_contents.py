"""The images hold what the service needs, and neither a key, an installer nor a way to change them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from infra.application import RUNTIME_USER
from infra.image_context import RUNTIME_LOCK
from tests.containers.conftest import SENTINEL, Images
from tests.containers.containers import running
from tests.containers.engine import docker, inspect
from tests.containers.layers import layers_of

pytestmark = [pytest.mark.timeout(900), pytest.mark.allow_hosts(["127.0.0.1"])]

MEGABYTE = 1_000_000
MEGABYTES = 60
"""What the runtime with its packages, and the sample application, may add to the base image, unpacked."""
PACKED_MEGABYTES = {"sample": 25, "orders": 60}
"""Of the application's own layer, which each deploy pushes, and each start of a task pulls."""
ORDERS = {"DATABASE_URL": "postgresql://127.0.0.1:1/orders", "API_KEY": "key"}
BUILT_HERE = ["sample", "orders"]
OURS = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "BIND_HOST"}
OF_APPLICATION = {"sample": {"FLASK_APP", "HEALTH_CHECK_PATH"}, "orders": {"FLASK_APP", "PORT"}}

APPLICATIONS_OWN = """
import sys
from importlib.metadata import distributions
from pathlib import Path
from packaging.utils import canonicalize_name
def size(file):
    cached = file.parent.joinpath("__pycache__").glob(file.stem + ".*.pyc")
    return sum(each.stat().st_size for each in (file, *cached) if each.is_file())
runtime = set(sys.stdin.read().split())
packages = [each for each in distributions() if canonicalize_name(each.name) not in runtime]
files = [Path(each.locate_file(file)) for each in packages for file in each.files]
print(sum(size(each) for each in (*files, *(file for file in Path("/app").rglob("*") if file.suffix != ".pyc"))))
"""
"""Print the bytes of an application and of the packages that are not the runtime's."""

WRITABLE = """
import os, sys
def writable(folder):
    try:
        with open(os.path.join(folder, "planted"), "w"):
            return True
    except OSError:
        return False
folders = {folder for folder, _, _ in os.walk("/") if not folder.startswith(("/proc", "/sys", "/dev"))}
print(os.getuid(), os.getgid(), *sorted(filter(writable, folders)))
"""


def above_base(image: str, images: Images, saved: Path) -> int:
    above, base = (sum(each.unpacked_bytes() for each in layers_of(name, saved)) for name in (image, images.base))
    return above - base


def test_the_sample_applications_image_is_not_much_larger_than_its_base(
    images: Images, saved: Path, record: Callable[[str, str], None]
) -> None:
    size = above_base(images.sample, images, saved) / MEGABYTE
    record("size of sample above its base", f"{size:.1f} MB (at most {MEGABYTES} MB)")
    assert size <= MEGABYTES


def test_the_runtime_adds_not_much_to_the_image_of_an_application(
    images: Images, saved: Path, record: Callable[[str, str], None]
) -> None:
    runtime = {
        canonicalize_name(line.partition("==")[0]) for line in RUNTIME_LOCK.read_text().splitlines() if "==" in line
    }
    options = ("run", "--rm", "--interactive", "--network", "none", "--entrypoint", "python", images.orders)
    own = int(docker(*options, "-c", APPLICATIONS_OWN, stdin="\n".join(runtime)).stdout) / MEGABYTE
    size = above_base(images.orders, images, saved) / MEGABYTE - own
    record(
        "size of the runtime in orders", f"{size:.1f} MB (at most {MEGABYTES} MB), {own:.1f} MB are the application's"
    )
    assert own > 1
    assert 1 < size <= MEGABYTES


@pytest.mark.parametrize("name", BUILT_HERE)
def test_a_deploy_pushes_little(name: str, images: Images, saved: Path, record: Callable[[str, str], None]) -> None:
    _, *own = layers_of(getattr(images, name), saved)
    packed = sum(each.packed_bytes() for each in own) / MEGABYTE
    record(f"layer of {name}", f"{packed:.1f} MB compressed (at most {PACKED_MEGABYTES[name]} MB)")
    assert packed <= PACKED_MEGABYTES[name]


@pytest.mark.parametrize("name", [*BUILT_HERE, "bookings"])
def test_no_key_beside_the_sources_is_in_a_layer_or_the_history(name: str, images: Images, saved: Path) -> None:
    image = getattr(images, name)
    assert not [each for each in layers_of(image, saved) if each.contains(SENTINEL)]
    assert SENTINEL not in docker("history", "--no-trunc", image).stdout + docker("inspect", image).stdout


@pytest.mark.parametrize("name", BUILT_HERE)
def test_an_image_has_no_variable_but_its_own(name: str, images: Images) -> None:
    variables = inspect(getattr(images, name))["Config"]["Env"]
    assert {each.partition("=")[0] for each in variables} == OURS | OF_APPLICATION[name]


@pytest.mark.parametrize("name", BUILT_HERE)
def test_the_path_has_every_folder_of_the_base_images(name: str, images: Images) -> None:
    """The image is made from scratch, and so it names them itself."""

    def path(image: str) -> set[str]:
        variables: list[str] = inspect(image)["Config"]["Env"]
        return {folder for each in variables if each.startswith("PATH=") for folder in each[5:].split(":")}

    assert path(getattr(images, name)) > path(images.base)


@pytest.mark.parametrize("name", BUILT_HERE)
def test_the_containers_user_can_write_to_the_volume_at_tmp_only(name: str, images: Images) -> None:
    with running(getattr(images, name), ORDERS) as container:
        container.until_answer()
        user, group, *folders = container.python(WRITABLE).split()
    assert (f"{user}:{group}", folders) == (RUNTIME_USER, ["/tmp"])  # noqa: S108 - the container's own


@pytest.mark.parametrize("name", BUILT_HERE)
def test_the_image_itself_lets_its_user_change_nothing_that_runs(name: str, images: Images) -> None:
    """Also where the root file system is not read-only."""
    options = ("run", "--rm", "--network", "none", "--entrypoint", "python", getattr(images, name), "-c", WRITABLE)
    user, group, *folders = docker(*options).stdout.split()
    assert f"{user}:{group}" == RUNTIME_USER
    assert not [each for each in folders if each.startswith(("/app", "/opt", "/usr", "/bin", "/etc", "/lib", "/root"))]


@pytest.mark.parametrize("name", BUILT_HERE)
def test_nothing_in_the_container_needs_a_shell(name: str, images: Images) -> None:
    shells = [each for shell in ("dash", "bash") for each in ("--volume", f"/dev/null:/usr/bin/{shell}:ro")]
    with running(getattr(images, name), ORDERS, *shells, "--health-interval", "1s") as container:
        container.until_health("healthy")
        assert docker("exec", container.name, "sh", "-c", "true", check=False).returncode != 0
        assert container.stop()[0] == 0


@pytest.mark.parametrize("name", BUILT_HERE)
def test_an_image_has_no_installer(name: str, images: Images) -> None:
    program = (
        "import importlib.util, shutil; print(importlib.util.find_spec('pip'), shutil.which('pip'), shutil.which('uv'))"
    )
    run = ("run", "--rm", "--network", "none", getattr(images, name), "python")
    assert docker(*run, "-c", program).stdout.split() == ["None"] * 3
    # The base image's interpreter, which the virtual environment's is made from.
    assert docker(*run, "-S", "-c", program).stdout.split() == ["None"] * 3
