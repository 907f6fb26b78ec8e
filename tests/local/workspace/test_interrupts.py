"""A signal that arrives while a process is started is delivered after the process is recorded."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from local.workspace.interrupts import deferred_interrupts


def test_ctrl_c_within_the_block_is_raised_after_it() -> None:
    recorded: list[str] = []

    def start() -> None:
        with deferred_interrupts():
            signal.raise_signal(signal.SIGINT)
            recorded.append("started")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert recorded == ["started"]


def test_the_signal_handlers_are_restored() -> None:
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with deferred_interrupts():
        assert signal.getsignal(signal.SIGINT) is not handlers[0]
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_a_process_started_within_the_block_ends_on_sigterm() -> None:
    with deferred_interrupts():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    with child:
        child.terminate()
        assert child.wait(timeout=60) == -signal.SIGTERM
