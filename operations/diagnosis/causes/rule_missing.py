"""The stack's sampling rule is gone, so that X-Ray's default rule applies."""

from __future__ import annotations

from collections.abc import Iterator

from operations.diagnosis.cause import Cause, Diagnosis, Symptom
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.sampling import unsampled_symptoms

CAUSE = Cause(
    title="Rule missing",
    meaning="The sampling rule {rule} does not exist in {region}, so the rule {applies} applies: {reservoir} request a"
    " second and {percent:g} % of the others are sampled",
    remedy="Create it again, as CloudFormation does not notice what is deleted outside it: {command}",
    general_remedy="Create it again, as CloudFormation does not notice what is deleted outside it: `aws xray"
    " create-sampling-rule` with `aws/json/xray.json`, under the name of the deployment",
    evidence="`aws xray get-sampling-rules` lists no rule of that name",
    example={
        "rule": "Shop-dev",
        "region": "eu-central-1",
        "applies": "Default",
        "reservoir": 1,
        "percent": 5,
    },
)


def diagnose(evidence: Evidence) -> Iterator[Diagnosis]:
    """Yield it where the rules are known, and the stack's is not among them."""
    rules, own = evidence.rules, evidence.own_rule
    if not rules or not own or any(each.name == own for each in rules):
        return
    paths = [each.path for each in evidence.observed.exchanges]
    applies = (evidence.rule_of(paths[0]) if paths else None) or rules[-1]
    yield CAUSE.diagnosis(
        {Symptom.SAMPLING, *unsampled_symptoms(evidence)},
        rule=own,
        region=evidence.region,
        applies=applies.name,
        reservoir=applies.reservoir,
        percent=applies.fixed_rate * 100,
        command=evidence.recreate(f"`aws xray create-sampling-rule` with aws/json/xray.json, named {own}"),
    )
