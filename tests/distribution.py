"""Distribute the tests over the worker processes of pytest-xdist."""

from __future__ import annotations

from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ONE_PROCESS: Final = (
    "tests/acceptance/",
    "tests/infra/",
    "tests/local/verify/",
    "tests/telemetry/calls/",
    "tests/package/",
    "tests/local/console/",
)
"""Folders that run in one process each, as their tests share fixtures that are slow to set up, or need the machine for
themselves.

The slowest are first. xdist gives each process two of them at the start: of two processes, the first gets the first
folder and the third.
"""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]  # xdist's base classes have no types
    """Run each module in one process, and each folder of `ONE_PROCESS`: these first, the modules in their random order.

    It replaces `--dist loadgroup`, which finds no groups with pytest 9.2: xdist 3.8 adds a group's name to an
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
    """Return the sort key of a test: the index of its folder in `ONE_PROCESS`, or one that is larger than all."""
    folder = _folder(nodeid)
    return len(ONE_PROCESS) if folder is None else ONE_PROCESS.index(folder)
