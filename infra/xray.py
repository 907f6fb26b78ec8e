"""Create the X-Ray groups and sampling rules from the files in `aws/json`, which `--cli-input-json` takes too."""

import json
from pathlib import Path
from typing import Any, Final

from aws_cdk import CfnResource
from constructs import Construct

from infra.environments import Sampling
from service.contract import CONFIGURED_NAME_ANNOTATION, SERVICE_NAME, XRAY_GROUP_FILTER

FOLDER: Final = Path(__file__).parent.parent / "aws" / "json"
GROUPS: Final = {"Group": "xray-group", "FaultsGroup": "xray-group-faults", "SlowGroup": "xray-group-slow"}
"""The file of each group, by its logical id: all traces of the service, those with a fault, the slow ones."""


class Tracing(Construct):
    """Create the groups and the sampling rules.

    The files have CloudFormation's own property names, so they are passed unchanged: the typed L1
    classes would need each name spelled a second time.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sampling: Sampling | None, dynamic_naming: bool) -> None:
        super().__init__(scope, construct_id)

        for logical_id, file in GROUPS.items():
            properties = _group(file, dynamic_naming=dynamic_naming)
            CfnResource(self, logical_id, type="AWS::XRay::Group", properties=properties)
        self._rule("SamplingRule", sampling_rule(sampling))
        # Health checks arrive day and night: sampled, each would cost a trace and use up the reservoir.
        self._rule("HealthCheckRule", load("xray-health-checks")["SamplingRule"])

    def _rule(self, logical_id: str, rule: dict[str, Any]) -> None:
        CfnResource(self, logical_id, type="AWS::XRay::SamplingRule", properties={"SamplingRule": rule})


def load(name: str) -> dict[str, Any]:
    """Return the object in `aws/json/<name>.json`."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def sampling_rule(override: Sampling | None) -> dict[str, Any]:
    """Return the rule of `aws/json/xray.json` ("SamplingRule", X-Ray API reference), with the rates of `override`."""
    rule: dict[str, Any] = load("xray")["SamplingRule"]
    if override is None:
        return rule
    return rule | {"FixedRate": override.fixed_rate, "ReservoirSize": override.reservoir_size}


def _group(file: str, *, dynamic_naming: bool) -> dict[str, Any]:
    """Return the group of `file`; with dynamic naming its filter matches renamed segments as well."""
    group = load(file)
    if not dynamic_naming:
        return group
    either = f'({XRAY_GROUP_FILTER} OR annotation.{CONFIGURED_NAME_ANNOTATION} = "{SERVICE_NAME}")'
    return group | {"FilterExpression": group["FilterExpression"].replace(XRAY_GROUP_FILTER, either)}
