"""The task role does not allow what the X-Ray daemon does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from operations.diagnosis.aws import XRAY_ACTIONS
from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence

CAUSE = Cause(
    title="X-Ray action denied",
    meaning="The task role {role} does not allow {actions}: {source}",
    remedy="Allow it again, as CloudFormation does not notice what is changed outside it: {command}. If the role allows"
    " it, a permissions boundary or a service control policy denies it",
    general_remedy="Allow it again, as CloudFormation does not notice what is changed outside it: `aws iam"
    " put-role-policy`. If the role allows it, a permissions boundary or a service control policy denies it",
    evidence="`AccessDeniedException` in the output of `xray-daemon`, and `aws iam simulate-principal-policy`",
    example={
        "role": "Shop-dev-Service-TaskRole",
        "actions": "xray:PutTraceSegments",
        "source": "the daemon printed AccessDeniedException",
    },
)
_ACTION = re.compile(r"xray:\w+")


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where X-Ray misses requests, and the daemon says so, or IAM."""
    if Symptom.XRAY not in evidence.symptoms:
        return
    printed = {_ACTION.search(line) for line in evidence.daemon_output if "AccessDenied" in line}
    denied = [action for action in XRAY_ACTIONS if action in (evidence.denied or ())]
    actions = sorted({each[0] for each in printed if each}) or denied
    if printed or "xray:PutTraceSegments" in denied:
        yield CAUSE.diagnosis(
            [Symptom.XRAY],
            role=evidence.role_name,
            actions=" and ".join(actions) or "a call of X-Ray",
            source="the daemon printed AccessDeniedException" if printed else "IAM's policy simulator denies it",
            command=evidence.allow_again(actions or ["X-Ray's actions"]),
        )
