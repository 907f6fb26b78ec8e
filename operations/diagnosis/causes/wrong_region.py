"""Telemetry goes to, or is looked for in, another region of AWS."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, Variable
from operations.diagnosis.cause import EVERYTHING, Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Wrong region",
    meaning="{who} the region {actual}, not {expected}",
    remedy="{remedy}",
    general_remedy="Set AWS_REGION of this command to the stack's region. Where a container has another one, remove"
    " what overrides it and deploy: the stack sets it",
    evidence="`AWS_REGION` of this command and of each container of the task definition, and the region in the load"
    " balancer's host name",
    example={
        "who": "xray-daemon sends to",
        "actual": "us-east-1 (AWS_REGION in its container)",
        "expected": "to eu-central-1, where the stack is",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield each container that sends to another region than the stack's."""
    remedy = evidence.restore(Variable.AWS_REGION)
    for name, variables, symptom in (
        (XRAY_DAEMON_CONTAINER_NAME, evidence.sidecar_variables, Symptom.XRAY),
        ("The service", evidence.variables, Symptom.CLOUDWATCH),
    ):
        actual, expected = variables.get(Variable.AWS_REGION, ""), evidence.region
        if symptom in evidence.symptoms and actual and expected and actual != expected:
            yield CAUSE.diagnosis(
                [symptom],
                who=f"{name} sends to",
                actual=f"{actual} (AWS_REGION in its container)",
                expected=f"to {expected}, where the stack is",
                remedy=remedy,
            )


def no_stack(stack: str, region: str, found_in: str | None) -> Diagnosis:
    """Return the diagnosis of a stack that is not in the region of the credentials, but perhaps in another."""
    unknown = "in the one that has it, and no other that these credentials can ask has it"
    return CAUSE.diagnosis(
        EVERYTHING,
        who=f"This command looks for the stack {stack} in",
        actual=f"{region} (AWS_REGION)",
        expected=f"in {found_in}, which has it" if found_in else unknown,
        remedy=f"Set AWS_REGION={found_in} and run it again"
        if found_in
        else "Deploy it (make deploy), or use the credentials and the AWS_REGION that it was deployed with",
    )
