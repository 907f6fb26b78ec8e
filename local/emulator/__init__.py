"""Embed AWS: ministack, extended by what it lacks for a Fargate service behind a load balancer that is traced by X-Ray.

ministack's private names are extended, so one exact version is accepted. Nothing happens on import: `install`
does the work, in the process that serves.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Final

MINISTACK_VERSION: Final = "1.5.33"


class UnsupportedVersionError(RuntimeError):
    """The installed ministack is not the one whose private names are known here."""


def check_version() -> None:
    """Raise `UnsupportedVersionError` unless the installed ministack is `MINISTACK_VERSION`."""
    try:
        found = version("ministack")
    except PackageNotFoundError:
        found = "none"
    if found != MINISTACK_VERSION:
        raise UnsupportedVersionError(
            f"the embedded AWS needs ministack {MINISTACK_VERSION} and found {found}: run `make setup`"
        )


def install(*, registry: str | None = None) -> None:
    """Extend ministack in this process; a second call changes nothing.

    `registry` (host:port) is where `docker push` reaches this emulator: repositories then name it in place of
    AWS's host. Raises `UnsupportedVersionError`.
    """
    check_version()
    # Late: importing ministack reads the environment and configures logging.
    from local.emulator import plugins  # noqa: PLC0415

    plugins.install(registry_address=registry)
