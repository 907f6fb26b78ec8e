"""The image of an application without a Dockerfile of its own has the runtime, the application, and no key of its."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG
from infra.application import RUNTIME_HEALTH_COMMAND, RUNTIME_USER, Application, ApplicationError
from infra.application_file import load
from infra.application_packages import packages_of
from infra.fingerprint import unversioned
from infra.image import service_image
from infra.image_context import DOCKERFILE, RUNTIME, RUNTIME_LOCK, stage_context
from tests.container.dockerfile import exec_form, stages
from tests.container.test_dockerfile import DOCKERFILE as SAMPLE_DOCKERFILE

FINAL = stages(DOCKERFILE)[-1]
SECRET = "sentinel-5ecret"


@pytest.fixture
def application(tmp_path: Path) -> Application:
    folder = tmp_path / "orders"
    files = {
        "orders.py": "app = None",
        "templates/index.html": "hello",
        "requirements.txt": "flask",
        ".dockerignore": "*.log\ndata\n",
        "debug.log": "",
        "data/rows.csv": "",
        ".env": SECRET,
        "instance/.env.local": SECRET,
        "onetrace.toml": f'[local.variables]\nA = "{SECRET}"',
        ".git/config": SECRET,
        "node_modules/left-pad/index.js": "",
        "__pycache__/orders.pyc": "",
        "env/pyvenv.cfg": "",
        "env/bin/python": "",
        "tools/py313/pyvenv.cfg": "",
        "tools/py313/bin/python": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return load(folder)


def staged(application: Application, folder: Path) -> Path:
    folder.mkdir()
    stage_context(application, packages_of(application), folder)
    return folder


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_context_has_the_applications_files_and_nothing_that_was_installed_or_holds_keys(
    application: Application, tmp_path: Path
) -> None:
    assert files_of(staged(application, tmp_path / "context") / "app") == {
        "orders.py",
        "requirements.txt",
        "templates/index.html",
    }


def test_the_context_has_the_whole_runtime_and_its_locked_packages(application: Application, tmp_path: Path) -> None:
    context = staged(application, tmp_path / "context")
    sources = {f"{RUNTIME.name}/{path.relative_to(RUNTIME)}" for path in RUNTIME.rglob("*.py")}
    assert sources <= files_of(context / "runtime")
    assert (context / "runtime/requirements.txt").read_bytes() == RUNTIME_LOCK.read_bytes()
    assert not list(context.rglob("*.pyc"))


PRIVATE_FILES = (
    "instance/config.py",
    "instance/shop.sqlite",
    "src/instance/config.py",
    "id_rsa",
    "deploy/id_ed25519",
    "server.pem",
    "certs/server.key",
    ".aws/credentials",
    ".ssh/config",
    "prod.env",
    "config/prod.env",
    ".flaskenv",
    ".envrc",
    ".netrc",
    ".pypirc",
    "terraform.tfstate",
)
NOT_CODE_FILES = (
    ".idea/workspace.xml",
    ".vscode/settings.json",
    "infra/.terraform/x",
    "a/b/c/env [1]/pyvenv.cfg",
    ".tox/py313/x.py",
    "shop.egg-info/PKG-INFO",
    "dist/shop.whl",
    "build/lib/shop.py",
)


@pytest.mark.parametrize("name", [*PRIVATE_FILES, *NOT_CODE_FILES])
def test_private_files_and_what_tools_made_are_left_out_unless_the_dockerignore_says_otherwise(
    application: Application, tmp_path: Path, name: str
) -> None:
    path = application.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = asset_of(application, tmp_path / "1"), unversioned(application.folder)
    path.write_text(SECRET, encoding="utf-8")
    assert name not in files_of(staged(application, tmp_path / "context") / "app")
    assert (asset_of(application, tmp_path / "2"), unversioned(application.folder)) == before
    with (application.folder / ".dockerignore").open("a", encoding="utf-8") as file:
        file.write(f"!{name.replace('[', r'?').replace(']', '?')}\n")
    assert name in files_of(staged(application, tmp_path / "again") / "app")


@pytest.mark.parametrize("name", ["instance/__init__.py", "static/dist/page.js", "web/build/index.html", "keys.py"])
def test_code_of_a_similar_name_is_in_the_context(application: Application, tmp_path: Path, name: str) -> None:
    before = unversioned(application.folder)
    (application.folder / name).parent.mkdir(parents=True, exist_ok=True)
    (application.folder / name).touch()
    assert name in files_of(staged(application, tmp_path / "context") / "app")
    assert unversioned(application.folder) != before


def test_links_stay_links_and_none_is_followed_out_of_the_folder(application: Application, tmp_path: Path) -> None:
    outside = tmp_path / "home"
    outside.mkdir()
    (outside / "credentials").write_text(SECRET, encoding="utf-8")
    (application.folder / "credentials").symlink_to(outside / "credentials")
    (application.folder / "home").symlink_to(outside)
    (application.folder / "main.py").symlink_to("orders.py")
    (application.folder / "missing.py").symlink_to("nowhere.py")
    app = staged(application, tmp_path / "context") / "app"
    assert (app / "main.py").readlink() == Path("orders.py")
    assert all((app / name).is_symlink() for name in ("credentials", "home", "missing.py"))
    copied = tmp_path / "1" / asset_of(application, tmp_path / "1") / "app"
    assert all((copied / name).is_symlink() for name in ("credentials", "home", "missing.py"))


@pytest.mark.parametrize(("name", "text"), [(b"\xff.txt", ""), (b".dockerignore", "[")])
def test_what_the_cdk_cannot_copy_is_an_error_with_the_folder_and_what_to_do(
    application: Application, tmp_path: Path, name: bytes, text: str
) -> None:
    Path(os.fsdecode(os.fsencode(application.folder) + b"/" + name)).write_text(text, encoding="utf-8")
    with pytest.raises(ApplicationError, match=r"orders cannot be copied into .*: .*: correct the pattern, or leave"):
        staged(application, tmp_path / "context")


def test_requirements_are_in_the_context_even_where_the_dockerignore_leaves_out_all(
    application: Application, tmp_path: Path
) -> None:
    (application.folder / ".dockerignore").write_text("*\n!orders.py\n", encoding="utf-8")
    assert files_of(staged(application, tmp_path / "context") / "app") == {"orders.py", "requirements.txt"}


def asset_of(application: Application, folder: Path) -> str:
    """Return the name of the staged asset, which ends with its hash."""
    stack = cdk.Stack(cdk.App(outdir=str(folder), analytics_reporting=False), "Stack")
    task = cdk.aws_ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("app", image=service_image(stack, application, None, arm64=False))
    [asset] = folder.glob("asset.*")
    assert files_of(asset) >= {"Dockerfile", "app/orders.py"}
    return asset.name


def test_the_images_hash_follows_the_application_and_stays_the_same_without_a_change(
    application: Application, tmp_path: Path
) -> None:
    first = asset_of(application, tmp_path / "1")
    os.utime(application.folder / "orders.py", (0, 0))
    (application.folder / "debug.log").write_text("more", encoding="utf-8")
    assert asset_of(application, tmp_path / "2") == first
    (application.folder / "orders.py").write_text("app = 1", encoding="utf-8")
    assert asset_of(application, tmp_path / "3") != first


def test_the_images_hash_follows_the_runtime(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = asset_of(application, tmp_path / "1")
    runtime = tmp_path / RUNTIME.name
    runtime.mkdir()
    (runtime / "__init__.py").write_text("changed = True", encoding="utf-8")
    monkeypatch.setattr("infra.image_context.RUNTIME", runtime)
    assert asset_of(application, tmp_path / "2") != first


def test_an_application_with_a_dockerfile_is_built_in_its_own_context(tmp_path: Path) -> None:
    folder = tmp_path / "src" / "orders"
    folder.mkdir(parents=True)
    (folder / "onetrace.toml").write_text('dockerfile = "docker/Dockerfile"\ncontext = ".."', encoding="utf-8")
    (folder / "docker").mkdir()
    (folder / "docker/Dockerfile").write_text("FROM scratch", encoding="utf-8")
    (folder / "orders.py").touch()
    (tmp_path / "credentials").write_text(SECRET, encoding="utf-8")
    (folder / "credentials").symlink_to(tmp_path / "credentials")
    stack = cdk.Stack(cdk.App(outdir=str(tmp_path / "out"), analytics_reporting=False), "Stack")
    image = load(folder)
    task = cdk.aws_ecs.FargateTaskDefinition(stack, "Task")
    task.add_container("app", image=service_image(stack, image, None, arm64=False))
    [asset] = (tmp_path / "out").glob("asset.*")
    assert files_of(asset) >= {"orders/docker/Dockerfile", "orders/orders.py"}
    assert (asset / "orders/credentials").is_symlink()
    assert (image.image.health_command, image.image.user) == (None, None)


def test_hadolint_reports_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    process = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False, timeout=60)
    assert (process.returncode, process.stdout) == (0, "")


def test_each_file_that_the_dockerfile_copies_is_in_the_context(application: Application, tmp_path: Path) -> None:
    context = staged(application, tmp_path / "context")
    copied = [each for stage in stages(DOCKERFILE) for rest in stage.all("COPY") for each in rest.split()[:-1]]
    copied = [each for each in copied if not each.startswith("/")]
    assert {each for each in copied if not each.startswith("--from")} == {
        "runtime/check_requirements.py",
        "runtime/pip-arguments",
        "runtime/pyproject.toml",
        "runtime/requirements.txt",
        "runtime/strip_botocore.py",
        "app",
        "runtime/flask_onetrace",
    }
    assert all((context / each).exists() for each in copied if not each.startswith("--from"))


def test_the_dockerfile_needs_no_buildkit() -> None:
    assert "--mount" not in DOCKERFILE.read_text(encoding="utf-8")
    assert "# syntax" not in DOCKERFILE.read_text(encoding="utf-8")


def test_it_is_hardened_as_the_sample_applications_image_is() -> None:
    base, system, *_ = stages(DOCKERFILE)
    sample_base, _, sample_system, *_, sample = stages(SAMPLE_DOCKERFILE)
    assert (base.base, system) == (sample_base.base, sample_system)
    for keyword in ("COPY", "USER", "RUN", "VOLUME", "HEALTHCHECK"):
        assert FINAL.all(keyword) == sample.all(keyword)
    assert FINAL.only("USER") == RUNTIME_USER
    assert exec_form(FINAL.only("HEALTHCHECK").partition(" CMD ")[2]) == list(RUNTIME_HEALTH_COMMAND)


def test_gunicorn_is_process_one_with_the_runtimes_configuration() -> None:
    assert exec_form(FINAL.only("CMD")) == ["gunicorn", "--config", SERVER_CONFIG, SERVER_APP]
