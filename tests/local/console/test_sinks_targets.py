from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flask_onetrace.contract import Output
from local.console.sinks.sampler import BACKGROUND_SECONDS, WATCHED_SECONDS, Sampler
from local.console.sinks.targets import TargetReader
from local.workspace.session import Session
from operations.errors import OperatorError
from operations.traces.deployment import Deployment

HEALTHY = {"Target": {"Id": "10.0.0.1", "Port": 4567}, "TargetHealth": {"State": "healthy"}}
DRAINING = {"Target": {"Id": "10.0.0.2", "Port": 4567}, "TargetHealth": {"State": "draining"}}
ARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/a/b"


@dataclass
class FakeSource:
    """A deployment whose target group has `health`; with an `error` it cannot be read."""

    health: list[Mapping[str, Any]] = field(default_factory=list)
    error: OperatorError | None = None
    path: str = "/_onetrace/health"
    port: int | None = None

    def deployment(self) -> Deployment:
        if self.error is not None:
            raise self.error
        describe = lambda **_: {"TargetHealthDescriptions": self.health}  # noqa: E731
        application = SimpleNamespace(health_check_path=self.path)
        deployment = SimpleNamespace(
            aws=SimpleNamespace(elbv2=SimpleNamespace(describe_target_health=describe)),
            names=SimpleNamespace(application=application),
            outputs={Output.TARGET_GROUP: ARN},
        )
        return cast("Deployment", deployment)

    def session(self) -> Session:
        service = None if self.port is None else SimpleNamespace(port=self.port)
        return cast("Session", SimpleNamespace(state=SimpleNamespace(service=service)))


def test_targets_are_those_that_get_requests() -> None:
    targets = TargetReader(FakeSource([HEALTHY, DRAINING])).read()

    assert (targets.addresses, targets.problem) == (("10.0.0.1:4567",), "")


def test_the_deployed_health_check_is_asked_first_and_the_runtimes_after_it() -> None:
    own = TargetReader(FakeSource([HEALTHY], path="/status")).read()
    runtimes = TargetReader(FakeSource([HEALTHY])).read()

    assert (own.paths, runtimes.paths) == (("/status", "/_onetrace/health"), ("/_onetrace/health",))


def test_no_target_is_a_problem() -> None:
    assert "no task is running" in TargetReader(FakeSource()).read().problem


def test_the_last_targets_stay_while_the_list_cannot_be_read() -> None:
    source = FakeSource([HEALTHY])
    reader = TargetReader(source)
    reader.read()
    source.error = OperatorError("The AWS emulator has died", "Start again with make up")

    targets = reader.read()

    assert targets.addresses == ("10.0.0.1:4567",)
    assert targets.problem == "The AWS emulator has died. Start again with make up"


def test_a_process_is_found_without_the_emulator() -> None:
    source = FakeSource(error=OperatorError("The AWS emulator has died", "Start again with make up"), port=5000)

    assert TargetReader(source).read().addresses == ("127.0.0.1:5000",)


@pytest.mark.parametrize(("leaves_traces", "seconds"), [(False, WATCHED_SECONDS), (True, BACKGROUND_SECONDS)])
def test_an_open_page_reads_often_unless_each_reading_leaves_a_trace(*, leaves_traces: bool, seconds: float) -> None:
    sampler = Sampler(FakeSource())
    assert sampler.interval == BACKGROUND_SECONDS

    sampler.watch()
    sampler.leaves_traces = leaves_traces

    assert sampler.interval == seconds
