"""The build context has the sources and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets

from tests.container.compose import ROOT

DOCKERFILE = "service/Dockerfile"
PACKAGES = ("flask_onetrace", "service")
STRIP_BOTOCORE = "infra/application_image/strip_botocore.py"


def files_in_context(context: Path, out: Path) -> set[str]:
    """Return the files of `context` that .dockerignore includes, as the CDK reads it when it builds the image."""
    stack = cdk.Stack(cdk.App(outdir=str(out)), "Stack")
    ecr_assets.DockerImageAsset(
        stack, "Image", directory=str(context), file=DOCKERFILE, ignore_mode=cdk.IgnoreMode.DOCKER
    )
    (folder,) = out.glob("asset.*")
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_context_includes_every_source_and_no_key_beside_them(tmp_path: Path) -> None:
    context = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__", "node_modules", "dist", "test")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, context / package, ignore=ignore)
    shutil.copy(ROOT / ".dockerignore", context)
    (context / STRIP_BOTOCORE).parent.mkdir(parents=True)
    shutil.copy(ROOT / STRIP_BOTOCORE, context / STRIP_BOTOCORE)
    sources = {str(path.relative_to(context)) for path in context.rglob("*.py")}
    for planted in (
        ".env",
        "infra/application_image/check_requirements.py",
        "flask_onetrace/telemetry/key.pem",
        "service/__pycache__/wsgi.cpython-311.pyc",
        ".git/config",
    ):
        (context / planted).parent.mkdir(exist_ok=True)
        (context / planted).write_text("sentinel", encoding="utf-8")
    build_files = {".dockerignore", "service/Dockerfile", "service/requirements.txt"}
    page = {str(path.relative_to(context)) for path in (context / "service" / "web").rglob("*") if path.is_file()}
    for planted in ("node_modules/vite/package.json", "dist/index.html", "test/ids.test.ts"):
        (context / "service" / "web" / planted).parent.mkdir(parents=True, exist_ok=True)
        (context / "service" / "web" / planted).write_text("sentinel", encoding="utf-8")
    assert files_in_context(context, tmp_path / "out") == sources | build_files | page


def test_dockers_classic_builder_includes_every_folder_of_sources() -> None:
    """It skips a folder unless a line begins with its name, so `!**/*.py` alone would exclude all of them."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    folders = {path.parent.relative_to(ROOT) for path in sources}
    assert {f"!{folder}/*.py" for folder in folders if "node_modules" not in folder.parts} <= set(lines)
