"""Run the project's emulated AWS with tasks that can fail: `python -m tests.operations.deploy.emulator --port N`."""

from __future__ import annotations

import sys

import local.emulator
from local.emulator import __main__ as emulator


def main() -> int:
    """Serve until SIGTERM."""
    install = local.emulator.install

    def install_with_failures(*, registry: str | None, administrator: tuple[str, str] | None) -> None:
        install(registry=registry, administrator=administrator)
        from tests.operations.deploy import task_failures  # noqa: PLC0415 - imports ministack, which reads the environment

        task_failures.install()

    vars(emulator)["install"] = install_with_failures  # the name by which it calls it
    return emulator.main()


if __name__ == "__main__":
    sys.exit(main())
