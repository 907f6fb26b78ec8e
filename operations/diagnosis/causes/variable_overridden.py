"""The tasks that run have other variables than the stack's task definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from flask_onetrace.contract import Variable
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.traces.document import Place

CAUSE = Cause(
    title="Environment variable overridden",
    meaning="The service {service} runs the task definition {serving} with {difference}, unlike the"
    " stack's {declared}: nothing reaches {places}",
    remedy="{restore}. Set what should stay different in [variables] of onetrace.toml",
    general_remedy="Run the stack's task definition again, by `aws ecs update-service`. Set what should stay different"
    " in [variables] of onetrace.toml",
    evidence="`aws ecs describe-task-definition` of what the service runs and of the stack's output `TaskDefinition`",
    example={
        "service": "Shop-dev-Service",
        "serving": "shop:8",
        "difference": "OTEL_SDK_DISABLED='true' instead of 'false'",
        "declared": "shop:7",
        "places": "Honeycomb and X-Ray",
    },
)
_TRACES: Final = frozenset({Symptom.HONEYCOMB, Symptom.XRAY})
EXPLAINS: Final[Mapping[str, frozenset[Symptom]]] = {
    Variable.OTEL_SDK_DISABLED: _TRACES,
    Variable.OTEL_TRACES_EXPORTER: frozenset({Symptom.HONEYCOMB}),
    Variable.OTEL_EXPORTER_OTLP_ENDPOINT: frozenset({Symptom.HONEYCOMB}),
    Variable.OTEL_EXPORTER_OTLP_HEADERS: frozenset({Symptom.HONEYCOMB}),
    Variable.OTEL_EXPORTER_OTLP_PROTOCOL: frozenset({Symptom.HONEYCOMB}),
    Variable.HONEYCOMB_API_KEY: frozenset({Symptom.HONEYCOMB}),
    Variable.AWS_XRAY_TRACING_NAME: frozenset({Symptom.GROUP}),
    Variable.AWS_XRAY_URL: frozenset({Symptom.GROUP}),
    Variable.LOG_LEVEL: frozenset({Symptom.CLOUDWATCH}),
    Variable.ROLLBAR_ACCESS_TOKEN: frozenset({Symptom.ROLLBAR}),
    Variable.ROLLBAR_ENDPOINT: frozenset({Symptom.ROLLBAR}),
}
"""What each variable can keep away. That of the region is another cause."""
TURNS_OFF: Final[Mapping[str, frozenset[Symptom]]] = {
    Variable.AWS_XRAY_DAEMON_ADDRESS: frozenset({Symptom.XRAY}),
    Variable.CLOUDWATCH_LOG_GROUP: frozenset({Symptom.CLOUDWATCH}),
}
"""Those which turn a sink off where they are empty. With another value they are other causes."""


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield the variables that differ and explain something that is missing or off."""
    serving, declared = evidence.serving, evidence.declared
    container, original = evidence.container, evidence.declared_container
    if serving is None or declared is None or container is None or original is None or serving.arn == declared.arn:
        return
    values = {**container.secrets, **container.variables}
    originals = {**original.secrets, **original.variables}
    possible = {name: symptoms & (evidence.symptoms | evidence.off) for name, symptoms in EXPLAINS.items()}
    possible |= {name: symptoms & evidence.off for name, symptoms in TURNS_OFF.items()}
    relevant = [name for name in possible if possible[name] and values.get(name) != originals.get(name)]
    explains = frozenset[Symptom]().union(*(possible[name] for name in relevant))
    if relevant:
        yield CAUSE.diagnosis(
            explains,
            service=evidence.output("Service"),
            serving=serving.name,
            declared=declared.name,
            places=" and ".join(place.label for place in Place if Symptom(place.value) in explains) or "X-Ray's group",
            restore=evidence.restore(),
            difference=" and ".join(_difference(name, container.variables, original.variables) for name in relevant),
        )


def _difference(name: str, variables: Mapping[str, str], originals: Mapping[str, str]) -> str:
    """Return `NAME=value instead of value`; where one of them comes from a secret, without values."""
    if name in variables and name in originals:
        actual, original = (f"={each[name]!r}" if each[name] else " empty" for each in (variables, originals))
        return f"{name}{actual} instead of {original.removeprefix('=').strip()}"
    return f"another {name}" if name in variables else f"no {name} of its own"
