"""Run the smoke test: send each probe and print where its telemetry arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.backing_services.log_group import LogGroup
from local.smoke_test.arrivals import Arrival, wait_for_arrivals
from local.smoke_test.backends import TelemetryBackend, telemetry_backends
from local.smoke_test.probes import Answer, probes_of, send
from local.workspace.errors import FailedStepError
from local.workspace.session import Session
from local.workspace.state import FakePorts

CORRECT_EXCEPTION: Final = "Correct the exception above"
SEE_LOGS: Final = "See make logs"


@dataclass(frozen=True, slots=True)
class Target:
    """The load balancer's address, and the headers by which it sends a request to the process to test.

    `environment` is that of the version to test, `logs` are what it has written since `since`, in seconds since the
    epoch, and `log` is the file with its output, if there is one.
    """

    url: str
    environment: Mapping[str, str] = field(repr=False)
    logs: LogGroup
    since: float
    log: Path | None
    headers: Mapping[str, str] = field(default_factory=dict)


def smoke_test(session: Session, aws: EmulatedAws, fakes: FakePorts, target: Target) -> None:
    """Send the probes. Raises `FailedStepError`: what was expected, what came, and which backends received nothing."""
    backends = telemetry_backends(aws, fakes, session.state.outputs[Output.LOG_GROUP])
    # A process is always started by the runtime.
    runtime = session.state.engine is None or session.application.image.has_runtime
    probes = probes_of(session.application, target.environment, runtime=runtime)
    answers = [send(target.url, target.headers, probe) for probe in probes]
    with ThreadPoolExecutor(max_workers=len(answers)) as pool:
        arrivals = list(pool.map(lambda answer: _arrivals(answer, backends), answers))
    problems = []
    for answer, arrived in zip(answers, arrivals, strict=True):
        _report(session, target, answer, arrived)
        problems += _problems(answer, arrived)
    if problems:
        raise _failure(target, answers, problems)


def _failure(target: Target, answers: Sequence[Answer], problems: Sequence[str]) -> FailedStepError:
    """Return the error, with the exceptions of the responses that were to succeed."""
    unexpected = [
        each for each in answers if each.problem is not None and each.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ]
    lines = [line for each in unexpected for line in target.logs.errors_of(each.trace_id, target.since)]
    remedies = dict.fromkeys(each.remedy for each in answers if each.remedy is not None)
    remedy = "; ".join(remedies) or (CORRECT_EXCEPTION if lines else SEE_LOGS)
    problem = f"The smoke test failed. {'; '.join(problems)}"
    return FailedStepError(problem, remedy, log=target.log, lines=lines)


def _arrivals(answer: Answer, backends: Mapping[str, TelemetryBackend]) -> list[Arrival]:
    """Wait for the telemetry of a response that is as expected; another one is a failure whatever arrives."""
    if answer.problem is not None or not answer.probe.backends:
        return []
    return wait_for_arrivals([backends[name] for name in answer.probe.backends], answer.trace_id)


def _problems(answer: Answer, arrivals: list[Arrival]) -> list[str]:
    missing = [each.backend for each in arrivals if each.summary is None]
    if answer.problem is not None:
        return [answer.problem]
    return (
        [f"GET {answer.probe.path}, trace id {answer.trace_id}, is missing in {', '.join(missing)}"] if missing else []
    )


def _report(session: Session, target: Target, answer: Answer, arrivals: list[Arrival]) -> None:
    say = session.report.line
    say()
    say(f"GET {target.url}{answer.probe.path} -> {answer.status}")
    if not answer.probe.backends:
        say("  Its telemetry was not awaited, as the image has no runtime (runtime = false)")
        return
    say(f"  trace id {answer.trace_id or 'MISSING'}")
    if answer.problem is not None:
        say("  Its telemetry was not awaited, as the response is not the expected one")
    width = max((len(each.summary or "") for each in arrivals), default=0)
    for each in arrivals:
        say(f"  {each.backend:16} {each.summary or 'NOT FOUND':{width}}  after {each.seconds:.1f} s")
