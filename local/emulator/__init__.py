"""An AWS emulator: ministack, extended with the APIs and resource types that a traced Fargate service needs.

The extensions patch private names of ministack, so exactly one version is supported. Importing the package has no
side effects; `install` patches ministack in the current process.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

MINISTACK_VERSION: Final = "1.5.33"


class UnsupportedVersionError(RuntimeError):
    """The installed ministack is not the version whose private names are patched here."""


def check_version() -> None:
    """Raise `UnsupportedVersionError` unless the installed ministack is `MINISTACK_VERSION`."""
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        installed = "none"
    if installed != MINISTACK_VERSION:
        raise UnsupportedVersionError(
            f"the AWS emulator needs ministack {MINISTACK_VERSION} and found {installed}: run `make setup`"
        )


def install(*, registry: str | None = None, administrator: tuple[str, str] | None = None) -> None:
    """Patch ministack in this process; idempotent.

    `registry` (host:port) is the address at which `docker push` reaches this emulator: repository URIs then have it
    in place of AWS's host. With an `administrator`, an access key and its secret, IAM is enforced from then on.
    Raises `UnsupportedVersionError`.
    """
    check_version()
    from local.emulator import plugins  # noqa: PLC0415 - importing ministack reads the environment, configures logging

    plugins.install(registry_address=registry, administrator=administrator)
