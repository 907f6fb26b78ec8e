"""Stage the build context of application_image/Dockerfile: the runtime, its lock, and the application's folder.

A folder and no named build contexts, which Docker's classic builder does not have.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from aws_cdk import CopyOptions, FileSystem, IgnoreMode, SymlinkFollowMode

from infra.application import Application, ApplicationError
from infra.application_packages import Packages
from infra.source_files import ignore_patterns

CHECKOUT: Final = Path(__file__).parent.parent
RUNTIME: Final = CHECKOUT / "flask_onetrace"
DOCKERFILE: Final = Path(__file__).parent / "application_image" / "Dockerfile"
CHECK_REQUIREMENTS: Final = DOCKERFILE.with_name("check_requirements.py")
STRIP_BOTOCORE: Final = DOCKERFILE.with_name("strip_botocore.py")
PYPROJECT: Final = CHECKOUT / "pyproject.toml"
"""The ranges of versions that the runtime works with."""
RUNTIME_LOCK: Final = CHECKOUT / "service" / "requirements.txt"
"""The runtime's packages, with hashes."""

PIP_ARGUMENTS: Final = "pip-arguments"
"""The file with the arguments that install the application's packages, one a line."""
_DOCKERIGNORE: Final = ".dockerignore"


def stage_context(application: Application, packages: Packages | None, target: Path) -> None:
    """Fill the empty folder `target` with what the Dockerfile copies. Raises `ApplicationError`."""
    shutil.copy(DOCKERFILE, target / DOCKERFILE.name)
    runtime = target / "runtime"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(RUNTIME, runtime / RUNTIME.name, ignore=ignored)
    shutil.copy(RUNTIME_LOCK, runtime / "requirements.txt")
    for file in (CHECK_REQUIREMENTS, STRIP_BOTOCORE, PYPROJECT):
        shutil.copy(file, runtime / file.name)
    lines = [] if packages is None else packages.arguments
    (runtime / PIP_ARGUMENTS).write_text("".join(f"{each}\n" for each in lines), encoding="utf-8")
    options = CopyOptions(
        exclude=exclusions(application, packages),
        ignore_mode=IgnoreMode.DOCKER,
        # As `docker build` has it: a link stays one, and what it leads to outside of the folder is in no image.
        follow=SymlinkFollowMode.NEVER,
    )
    (target / "app").mkdir()
    try:
        FileSystem.copy_directory(str(application.folder), str(target / "app"), options)
    except RuntimeError as error:  # the CDK's: of a file, or of a pattern in the .dockerignore
        reason = str(error).strip().partition("\n")[0]
        raise ApplicationError(
            f"{application.folder} cannot be copied into the image's build context: {reason}",
            "correct the pattern, or leave the file out by the folder's .dockerignore",
        ) from error


def exclusions(application: Application, packages: Packages | None) -> list[str]:
    """Return the patterns of files to leave out, in the format of a .dockerignore; the last one that matches decides.

    So `!certs/ca.pem` in the application's .dockerignore brings back what is left out by default.
    """
    folder = application.folder
    own = folder / _DOCKERIGNORE
    lines = own.read_text(encoding="utf-8", errors="replace").splitlines() if own.is_file() else []
    needed = [] if packages is None else [f"!{packages.file}"]
    return [*ignore_patterns(folder), *lines, *needed]
