"""X-Ray has the traces, and the group of the application does not show them."""

from __future__ import annotations

from collections.abc import Iterator

from flask_onetrace.contract import CONFIGURED_NAME_ANNOTATION
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.traces.document import Place

CAUSE = Cause(
    title="Group's filter does not match",
    meaning="{group}, and the segments are named {segment!r}: X-Ray has the traces, and the group shows none of them",
    remedy="Give the group the filter of the stack, `aws xray {verb}-group --group-name {name} --filter-expression"
    " '{expected}'`, and check AWS_XRAY_TRACING_NAME and AWS_XRAY_URL of the task definition",
    evidence="`aws xray get-groups`, and the name of the segment in `aws xray batch-get-traces`",
    example={
        "group": 'The X-Ray group Shop-dev has the filter service("shop-prod")',
        "segment": "shop-dev",
        "verb": "update",
        "name": "Shop-dev",
        "expected": 'service("shop-dev")',
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where a segment arrived, and the group's filter expression is not about its name."""
    names, group = evidence.segment_names, evidence.own_rule
    groups = evidence.groups if names and group else None
    if groups is None:
        return
    expression = next((each.expression for each in groups if each.name == group), None)
    if expression is not None and (_is_about(expression, evidence) or evidence.group_shows(expression) is not False):
        return
    yield CAUSE.diagnosis(
        [Symptom.GROUP],
        group=f"There is no X-Ray group {group}"
        if expression is None
        else f"The X-Ray group {group} has the filter {expression}",
        segment=names[0],
        verb="create" if expression is None else "update",
        name=group,
        expected=f'service("{evidence.own_service}")',
    )


def _is_about(expression: str, evidence: Evidence) -> bool:
    """Return whether the expression names a segment, or the annotation of one that is named after its host."""
    annotations = (each.get("annotations") for each in evidence.observed.arrived.get(Place.XRAY, ()))
    configured = {each.get(CONFIGURED_NAME_ANNOTATION) for each in annotations if isinstance(each, dict)}
    return any(f'service("{each}")' in expression for each in evidence.segment_names) or any(
        f'annotation.{CONFIGURED_NAME_ANNOTATION} = "{each}"' in expression for each in configured
    )
