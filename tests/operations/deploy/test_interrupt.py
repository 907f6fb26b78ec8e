"""Ctrl-C ends the CDK, not CloudFormation: the message says what continues and how to stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest

from tests.operations.deploy.conftest import ROOT, STACK, Account, template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SECONDS = 30


def start(account: Account, command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "operations.deploy", "--environment", "dev", "--poll", "0.1", "--", *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **account.variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group, to which the terminal sends SIGINT
    )


def wait_for(account: Account, status: str) -> None:
    deadline = time.monotonic() + SECONDS
    cloudformation = account.client("cloudformation")
    while cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] != status:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_what_goes_on_is_told_with_how_to_stop_it(deployed: Account, signum: signal.Signals) -> None:
    with start(deployed, deployed.apply(template("v2", "slow"))) as process:
        wait_for(deployed, "UPDATE_IN_PROGRESS")
        if signum == signal.SIGINT:
            os.killpg(process.pid, signum)
        else:
            process.send_signal(signum)
        _, printed = process.communicate(timeout=SECONDS)
    # The stand-in is a Python program: it ends by the signal, or by KeyboardInterrupt.
    assert process.returncode in {128 + signum, 1}
    assert f"Interrupted: CloudFormation continues with {STACK} (UPDATE_IN_PROGRESS) in the background." in printed
    assert f"aws cloudformation cancel-update-stack --stack-name {STACK}" in printed


def test_where_nothing_goes_on_that_is_told(serving: Account) -> None:
    with start(serving, ["sh", "-c", "echo started; exec sleep 30"]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        os.killpg(process.pid, signal.SIGINT)
        _, printed = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Interrupted: CloudFormation is not at work on any stack." in printed
