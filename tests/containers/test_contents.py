"""The images hold what the service needs, and neither a key, an installer nor a way to change them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from infra.application import RUNTIME_USER
from tests.containers.conftest import SENTINEL, Images
from tests.containers.containers import running
from tests.containers.engine import docker, inspect
from tests.containers.layers import layers_of

pytestmark = [pytest.mark.timeout(900), pytest.mark.allow_hosts(["127.0.0.1"])]

MEGABYTE = 1_000_000
UNPACKED_MEGABYTES = {"sample": 80, "orders": 130}
PACKED_MEGABYTES = {"sample": 36, "orders": 60}
"""Above the base image: half of the sample's are botocore's service models and cryptography."""
ORDERS = {"DATABASE_URL": "postgresql://127.0.0.1:1/orders", "API_KEY": "key"}
BUILT_HERE = ["sample", "orders"]
OURS = {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "BIND_HOST"}
OF_APPLICATION = {"sample": {"FLASK_APP", "HEALTH_CHECK_PATH"}, "orders": {"FLASK_APP", "PORT"}}

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


@pytest.mark.parametrize("name", BUILT_HERE)
def test_an_image_is_not_much_larger_than_its_base(
    name: str, images: Images, record: Callable[[str, str], None]
) -> None:
    layers = layers_of(getattr(images, name), base=images.base)
    unpacked = sum(each.unpacked_bytes for each in layers) / MEGABYTE
    packed = sum(each.packed_bytes for each in layers) / MEGABYTE
    record(f"size of {name} above its base", f"{unpacked:.1f} MB, {packed:.1f} MB compressed")
    assert unpacked <= UNPACKED_MEGABYTES[name]
    assert packed <= PACKED_MEGABYTES[name]


@pytest.mark.parametrize("name", [*BUILT_HERE, "bookings"])
def test_no_key_beside_the_sources_is_in_a_layer_or_the_history(name: str, images: Images) -> None:
    image = getattr(images, name)
    assert not [each for each in layers_of(image, base=images.base) if SENTINEL.encode() in each.archive]
    assert SENTINEL not in docker("history", "--no-trunc", image).stdout + docker("inspect", image).stdout


@pytest.mark.parametrize("name", BUILT_HERE)
def test_an_image_has_no_variable_but_its_own(name: str, images: Images) -> None:
    def variables(image: str) -> set[str]:
        return {each.partition("=")[0] for each in inspect(image)["Config"]["Env"] or ()}

    assert variables(getattr(images, name)) - variables(images.base) - {"PATH"} == (
        (OURS - {"PATH"}) | OF_APPLICATION[name]
    )


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
