"""What answers at the URL, the region and the clock of this machine: causes outside of the deployment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Final

import pytest

from operations.diagnosis import causes
from tests.local.emulator.conftest import free_port
from tests.local.verify.cli import verify
from tests.local_environment import LocalEnvironment

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.1"])]

DEPLOYED: Final = ("operations.verify",)
"""The module that verifies an environment of AWS, or a URL."""
ANOTHER_REGION: Final = "eu-west-1"
CLOCK: Final = """
import time
real, real_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: real() + 3600, lambda: real_ns() + 3600 * 10**9
"""
"""Sets the clock of a process an hour ahead, as its module `sitecustomize`."""


class Handler(SimpleHTTPRequestHandler):
    """Of the standard library's server, which logs nothing."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def another_service() -> Iterator[str]:
    """Serve something else."""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_another_service_at_the_url_is_named(environment: LocalEnvironment) -> None:
    with another_service() as url:
        outcome = verify(environment, "--url", url, "--wait", "2", command=DEPLOYED)

    assert (outcome.status, outcome.causes) == (1, [causes.no_trace_id.CAUSE.slug]), outcome.summary
    assert "SimpleHTTP" in outcome.diagnoses[0]["message"]


def test_a_url_at_which_nothing_responds_is_named(environment: LocalEnvironment) -> None:
    outcome = verify(environment, "--url", f"http://127.0.0.1:{free_port()}", "--wait", "2", command=DEPLOYED)

    assert (outcome.status, outcome.causes) == (1, [causes.no_response.CAUSE.slug]), outcome.summary


def test_the_service_itself_is_verified_by_its_url_without_credentials(environment: LocalEnvironment) -> None:
    outcome = verify(environment, "--url", environment.url, "--wait", "2", command=DEPLOYED)

    assert (outcome.status, outcome.causes, outcome.document["failures"]) == (0, [], []), outcome.summary
    assert [each["state"] for each in outcome.document["places"]] == ["not checked"] * 4


def test_a_stack_that_another_region_has_is_named(environment: LocalEnvironment) -> None:
    credentials = {**environment.aws.variables, "AWS_REGION": ANOTHER_REGION, "AWS_DEFAULT_REGION": ANOTHER_REGION}

    outcome = verify(environment, "--environment", "local", command=DEPLOYED, extra=credentials)

    assert (outcome.status, outcome.causes) == (1, [causes.wrong_region.CAUSE.slug]), outcome.summary
    message = outcome.diagnoses[0]["message"]
    assert ANOTHER_REGION in message
    assert environment.aws.variables["AWS_REGION"] in message


def test_a_clock_of_this_machine_that_is_ahead_is_named(environment: LocalEnvironment, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")

    outcome = verify(environment, "--wait", "6", extra={"PYTHONPATH": str(tmp_path)})

    assert (outcome.status, outcome.causes) == (1, [causes.clock_skew.CAUSE.slug]), outcome.summary
    assert "this machine" in outcome.diagnoses[0]["message"]
