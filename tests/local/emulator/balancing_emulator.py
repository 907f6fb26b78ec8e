"""Run the emulator with load balancing as where tasks run in containers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any
from unittest import mock

from local import emulator
from local.emulator import __main__ as program
from local.emulator import confinement
from tests.local.emulator.conftest import DEFAULT_ACCOUNT, Aws, running_emulator

TARGETS = ip_network("127.0.0.0/8")


@contextmanager
def running(*, minute: float) -> Iterator[Aws]:
    """Start the emulator in a process of its own; yield its default account, whose load balancers have names."""
    with running_emulator("--metric-minute", str(minute), module=__name__, is_silent=True) as endpoint:
        yield Aws(endpoint, DEFAULT_ACCOUNT)


def main(arguments: list[str]) -> int:
    """Run the emulator until SIGTERM, with its own arguments."""
    minute = program._parser().parse_args(arguments).metric_minute

    def install(**options: Any) -> None:  # noqa: ANN401 - as the emulator's own
        emulator.install(**options)
        from local.emulator import plugins  # noqa: PLC0415 - imports ministack

        plugins.install_load_balancing(minute=minute)

    def confine(**_allowed: object) -> None:
        confinement.confine(networks=[TARGETS])

    with (
        mock.patch.object(program, "install", install),
        mock.patch.object(program, "confine", confine),
    ):
        return program.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
