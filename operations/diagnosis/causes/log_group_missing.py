"""The log group does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Log group missing",
    meaning="The log group {group} does not exist in {region}{others}: it was deleted outside CloudFormation, or never"
    " created",
    remedy="Create it again, as CloudFormation does not notice what is deleted outside it: {command}. The service"
    " retries by itself",
    general_remedy="Create it again, as CloudFormation does not notice what is deleted outside it: `aws logs"
    " create-log-group`. The service retries by itself",
    evidence="`aws logs describe-log-groups`, and a line about it in the containers' log group",
    example={
        "group": "Shop-dev-shop",
        "region": "eu-central-1",
        "others": "",
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where CloudWatch Logs misses requests, and has no such group, or the service says so."""
    if Symptom.CLOUDWATCH not in evidence.symptoms:
        return
    group, groups, report = evidence.log_group, evidence.log_groups, evidence.report("cloudwatch")
    is_reported = report is not None and f"log group {group} not found" in report.reason
    if (groups is not None and group not in groups) or (groups is None and is_reported):
        others = f" (there {'is' if len(groups) == 1 else 'are'} {', '.join(groups[:5])})" if groups else ""
        yield CAUSE.diagnosis(
            [Symptom.CLOUDWATCH],
            group=group,
            region=evidence.region,
            others=others,
            command=evidence.recreate(f"`aws logs create-log-group --log-group-name {group}`"),
        )
