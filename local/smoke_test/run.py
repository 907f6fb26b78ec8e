"""Prove the deployment and print where each request was seen."""

from __future__ import annotations

from local.backing_services.emulated_aws import EmulatedAws
from local.smoke_test.backends import all_places
from local.smoke_test.probes import PROBES, Probe, look_everywhere, send
from local.workspace.errors import LocalError
from local.workspace.session import Desk
from local.workspace.state import StandInPorts
from service.contract import Output


def balancer_host(desk: Desk, aws: EmulatedAws) -> str:
    """Return the name under which the emulator answers for the deployed load balancer.

    The ARN ends in `loadbalancer/app/<name>/<id>` (Elastic Load Balancing, "Resource types").
    """
    name = desk.state.outputs[Output.LOAD_BALANCER].split("/")[-2]
    return f"{name}.alb.localhost:{aws.port}".lower()


def prove(desk: Desk, aws: EmulatedAws, stand_ins: StandInPorts) -> None:
    """Send the probes; raises `LocalError` naming the places that one of them did not reach."""
    host = balancer_host(desk, aws)
    missing = [place for probe in PROBES for place in _prove_one(desk, aws, stand_ins, host, probe)]
    if missing:
        raise LocalError(
            f"Not everything arrived: {', '.join(sorted(set(missing)))}",
            f"The logs in {desk.folders.logs} say what each part did",
        )


def _prove_one(desk: Desk, aws: EmulatedAws, stand_ins: StandInPorts, host: str, probe: Probe) -> list[str]:
    report, known = desk.report, all_places(aws, stand_ins)
    trace_id = send(aws.endpoint, host, probe)
    report.line()
    report.line(f"GET http://{host}{probe.path} -> {probe.status}")
    report.line(f"  trace id {trace_id}")
    sightings = look_everywhere([known[name] for name in probe.places], trace_id)
    width = max(len(each.found or "") for each in sightings)
    for each in sightings:
        report.line(f"  {each.place:16} {each.found or 'NOT FOUND':{width}}  after {each.seconds:.1f} s")
    return [each.place for each in sightings if each.found is None]
