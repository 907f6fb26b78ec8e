"""An interruption while a process is being started takes effect once the process is recorded, never between."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from local.workspace.interrupts import held_back


def test_ctrl_c_within_the_block_takes_effect_after_it() -> None:
    recorded: list[str] = []

    def start() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            recorded.append("started")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert recorded == ["started"]


def test_the_handlers_are_those_from_before() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with held_back():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_process_started_within_the_block_still_hears_sigterm() -> None:
    with held_back():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    with child:
        child.terminate()
        assert child.wait(timeout=10) == -signal.SIGTERM
