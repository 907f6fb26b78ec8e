"""Run the smoke test: send each probe and print where its telemetry arrived."""

from __future__ import annotations

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.smoke_test.arrivals import wait_for_arrivals
from local.smoke_test.backends import TelemetryBackend, telemetry_backends
from local.smoke_test.probes import PROBES, Probe, send
from local.workspace.session import Session
from local.workspace.state import FakePorts
from operations.errors import OperatorError


def smoke_test(session: Session, aws: EmulatedAws, fakes: FakePorts, host: str) -> None:
    """Send the probes to the load balancer `host`. Raises `OperatorError` naming the backends that received nothing."""
    backends = telemetry_backends(aws, fakes, session.state.outputs[Output.LOG_GROUP])
    missing = {
        name
        for probe in PROBES
        for name in _run(session, aws, host, probe, [backends[name] for name in probe.backends])
    }
    if missing:
        raise OperatorError(
            f"The smoke test failed, telemetry is missing in: {', '.join(sorted(missing))}",
            f"See the logs in {session.folders.logs}",
        )


def _run(session: Session, aws: EmulatedAws, host: str, probe: Probe, backends: list[TelemetryBackend]) -> list[str]:
    """Send one probe, print its arrivals and return the names of the backends without any."""
    trace_id = send(aws.endpoint, host, probe)
    say = session.report.line
    say()
    say(f"GET http://{host}{probe.path} -> {probe.status}")
    say(f"  trace id {trace_id}")
    arrivals = wait_for_arrivals(backends, trace_id)
    width = max(len(each.summary or "") for each in arrivals)
    for each in arrivals:
        say(f"  {each.backend:16} {each.summary or 'NOT FOUND':{width}}  after {each.seconds:.1f} s")
    return [each.backend for each in arrivals if each.summary is None]
