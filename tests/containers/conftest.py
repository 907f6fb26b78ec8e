"""Build the images once, by a real engine; print what was measured, and which base images are stand-ins."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from infra.application_file import load
from infra.application_packages import packages_of
from infra.image_context import stage_context
from tests.containers.base_images import BaseImages
from tests.containers.engine import EngineError, build, docker
from tests.telemetry.backends import FakeBackends

ROOT: Final = Path(__file__).parents[2]
SENTINEL: Final = "sentinel-5ecret-of-a-layer"
COMMIT_TIME: Final = 1_700_000_000
"""SOURCE_DATE_EPOCH of the builds."""
_SECRET_FILES: Final = (".env", ".npmrc", "instance/config.py", "deploy.key", "id_rsa", ".git/config", "sub/.env.prod")
_SAMPLE_SECRET_FILES: Final = (*_SECRET_FILES, "service/.env", "service/web/.env", "flask_onetrace/server.pem")


@dataclass
class Report:
    """What the summary prints."""

    base_images: BaseImages = field(default_factory=BaseImages)
    figures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Images:
    """The names of the images, and of the image that all are made from."""

    base: str
    sample: str
    sample_again: str
    """The same build a second time."""
    orders: str
    bookings: str


_REPORT: Final = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_REPORT] = Report()
    # Containers are removed in the end, after this signal too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave sockets on for this folder: servers of its session serve in this process, whatever test runs meanwhile."""
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents and item.get_closest_marker("allow_hosts") is None:
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1"]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[_REPORT]
    terminalreporter.section("containers")
    for name, stand_in in report.base_images.stand_ins.items():
        terminalreporter.line(f"stand-in, as it cannot be pulled: {name} is {stand_in}")
    for name, value in sorted(report.figures.items()):
        terminalreporter.line(f"{name}: {value}")


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    return pytestconfig.stash[_REPORT]


@pytest.fixture
def record(report: Report) -> Callable[[str, str], None]:
    """Have a figure printed in the summary."""
    return report.figures.__setitem__


@pytest.fixture
def backends(socket_enabled: None) -> Iterator[FakeBackends]:  # noqa: ARG001 - they listen on 127.0.0.1
    with ExitStack() as stack:
        yield FakeBackends(stack)


@pytest.fixture(scope="session")
def base_images(report: Report) -> BaseImages:
    """The base images. Fails where no engine responds."""
    try:
        docker("version")
    except (EngineError, FileNotFoundError) as error:
        pytest.fail(f"no Docker engine responds: run `make test-containers`, which starts one where it can\n{error}")
    return report.base_images


@pytest.fixture(scope="session")
def images(base_images: BaseImages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    """The images of three applications: the sample, one without a Dockerfile, and one with its own."""
    folder = tmp_path_factory.mktemp("images")
    text = base_images.resolve(ROOT / "service" / "Dockerfile")
    base = next(line for line in text.splitlines() if line.startswith("FROM") and "/python:" in line).split()[1]
    checkout = _checkout(folder / "checkout")
    builds: dict[str, Callable[[], str]] = {
        "sample": partial(_sample, text, checkout, tag("sample")),
        "sample_again": partial(_sample, text, checkout, tag("sample_again"), "--no-cache"),
        "orders": partial(_orders, base_images, folder),
        "bookings": partial(_bookings, base, folder),
    }
    # Two at a time: they wait for a package index as long as they use a processor.
    try:
        with ThreadPoolExecutor(2) as pool:
            names = dict(zip(builds, pool.map(lambda each: each(), builds.values()), strict=True))
        yield Images(base=base, **names)
    finally:
        docker("image", "rm", "--force", *map(tag, builds), check=False)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder for the layers of images."""
    return tmp_path_factory.mktemp("saved")


def tag(name: str) -> str:
    """Return the name of an image of this run: others may use the same engine."""
    return f"onetrace-test/{name}:{os.getpid()}"


def _sample(text: str, checkout: Path, name: str, *options: str) -> str:
    epoch = f"SOURCE_DATE_EPOCH={COMMIT_TIME}"
    return build(text, *options, context=str(checkout), tag=name, build_args=[epoch])


def _checkout(target: Path) -> Path:
    """Copy the build context of the sample application, with files beside it that hold keys."""
    ignore = shutil.ignore_patterns("__pycache__", "node_modules", "dist")
    for each in ("flask_onetrace", "service", "infra/application_image"):
        shutil.copytree(ROOT / each, target / each, ignore=ignore)
    shutil.copy(ROOT / ".dockerignore", target)
    _plant(target, _SAMPLE_SECRET_FILES)
    return target


def _plant(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"KEY={SENTINEL}\n", encoding="utf-8")


def _orders(base_images: BaseImages, folder: Path) -> str:
    application = folder / "orders"
    shutil.copytree(ROOT / "examples" / "orders", application, ignore=shutil.ignore_patterns("__pycache__"))
    _plant(application, _SECRET_FILES)
    described, context = load(application), folder / "orders-context"
    context.mkdir()
    packages = packages_of(described)
    stage_context(described, packages, context)
    arguments = {
        "REQUIREMENTS": "" if packages is None else packages.file,
        "FLASK_APP": described.flask_app,
        "PORT": described.port,
        "SOURCE_DATE_EPOCH": COMMIT_TIME,
    }
    return build(
        base_images.resolve(context / "Dockerfile"),
        context=str(context),
        tag=tag("orders"),
        build_args=[f"{name}={value}" for name, value in arguments.items()],
    )


def _bookings(base: str, folder: Path) -> str:
    context = folder / "bookings"
    shutil.copytree(ROOT / "tests" / "containers" / "bookings", context)
    shutil.copy(ROOT / "service" / "requirements.txt", context)
    uv = Path(sys.executable).with_name("uv")
    wheel = [str(uv), "build", "--quiet", "--wheel", "--out-dir", str(context)]
    subprocess.run(wheel, cwd=ROOT, check=True, timeout=120, capture_output=True)
    text = (context / "Dockerfile").read_text(encoding="utf-8")
    return build(text, context=str(context), tag=tag("bookings"), build_args=[f"BASE={base}"])
