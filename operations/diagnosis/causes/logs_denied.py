"""The task role does not allow the service to write to its log group."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.aws import LOG_ACTIONS
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="Log action denied",
    meaning="The task role {role} does not allow {actions} on the log group {group}: {source}",
    remedy="Allow it again, as CloudFormation does not notice what is changed outside it: {command}. If the role allows"
    " it, a permissions boundary or a service control policy denies it",
    general_remedy="Allow it again, as CloudFormation does not notice what is changed outside it: `aws iam"
    " put-role-policy`. If the role allows it, a permissions boundary or a service control policy denies it",
    evidence="`AccessDeniedException` in the containers' log group, and `aws iam simulate-principal-policy`",
    example={
        "role": "Shop-dev-Service-TaskRole",
        "actions": "logs:PutLogEvents",
        "group": "Shop-dev-shop",
        "source": "IAM's policy simulator denies it",
    },
)
SIMULATED = "IAM's policy simulator denies it"
_AUTHORIZATION = ("AccessDenied", "logs:PutLogEvents and logs:CreateLogStream")


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where CloudWatch Logs misses requests, and the service says so, or IAM."""
    if Symptom.CLOUDWATCH not in evidence.symptoms:
        return
    report = evidence.report("cloudwatch")
    is_reported = report is not None and any(text in report.reason for text in _AUTHORIZATION)
    denied = [action for action in LOG_ACTIONS if action in (evidence.denied or ())]
    if is_reported or denied:
        source = report.reason.partition(": allow ")[0] if is_reported and report else SIMULATED
        yield CAUSE.diagnosis(
            [Symptom.CLOUDWATCH],
            role=evidence.role_name,
            actions=" and ".join(denied or LOG_ACTIONS),
            group=evidence.log_group,
            source=source,
            command=evidence.allow_again(denied or LOG_ACTIONS),
        )
