"""How pytest-xdist distributes the tests over processes."""

from __future__ import annotations

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ONE_PROCESS: Final = ("tests/acceptance/", "tests/infra/", "tests/telemetry/calls/", "tests/package/")
"""Folders whose tests share what takes long to make or to start, or that need the machine for themselves.

The longest are first. Each process begins with two of them: the first with the first and the third.
"""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]  # xdist's base classes have no types
    """Run each module in one process, and each folder of `ONE_PROCESS`, which are first; the rest in its random order.

    It takes the place of `--dist loadgroup`, which finds no groups with pytest 9.2: xdist 3.8 adds a group's name to an
    attribute that a test no longer has.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return _folder(nodeid) or nodeid.partition("::")[0]


def _folder(nodeid: str) -> str | None:
    return next((folder for folder in ONE_PROCESS if nodeid.startswith(folder)), None)


def rank(nodeid: str) -> int:
    """Return the place of a test's folder among those of `ONE_PROCESS`, after which all others come."""
    folder = _folder(nodeid)
    return len(ONE_PROCESS) if folder is None else ONE_PROCESS.index(folder)
