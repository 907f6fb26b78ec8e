"""Create the X-Ray groups and sampling rules from the files in `aws/json`, which `--cli-input-json` takes too."""

import json
from pathlib import Path
from typing import Any, Final

from aws_cdk import CfnResource
from constructs import Construct

from infra.names import Names
from infra.telemetry import Sampling

FOLDER: Final = Path(__file__).parent.parent / "aws" / "json"
GROUPS: Final = ("xray-group", "xray-group-faults", "xray-group-slow")
"""The file of each group: all traces of the service, those with a fault, the slow ones."""


class Tracing(Construct):
    """Create the groups and the sampling rules.

    The files have CloudFormation's own property names, so all but the names in them is passed unchanged: the typed L1
    classes would need each property spelled a second time. A resource's id is its name, because a rule cannot be
    renamed: with another id CloudFormation creates the new one and deletes the old one.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, sampling: Sampling | None, dynamic_naming: bool
    ) -> None:
        super().__init__(scope, construct_id)

        for file in GROUPS:
            group = _group(file, names, dynamic_naming=dynamic_naming)
            CfnResource(self, f"Group-{group['GroupName']}", type="AWS::XRay::Group", properties=group)
        self._rule(sampling_rule(names, sampling))
        # Health checks arrive day and night: sampled, each would cost a trace and use up the reservoir.
        self._rule(_rule("xray-health-checks", names))

    def _rule(self, rule: dict[str, Any]) -> None:
        properties = {"SamplingRule": rule}
        CfnResource(self, f"Rule-{rule['RuleName']}", type="AWS::XRay::SamplingRule", properties=properties)


def load(name: str) -> dict[str, Any]:
    """Return the object in `aws/json/<name>.json`, which has the tutorial's names."""
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return content


def sampling_rule(names: Names, override: Sampling | None) -> dict[str, Any]:
    """Return the rule of `aws/json/xray.json` ("SamplingRule", X-Ray API reference), with the rates of `override`."""
    rule = _rule("xray", names)
    if override is None:
        return rule
    return rule | {"FixedRate": override.fixed_rate, "ReservoirSize": override.reservoir_size}


def _rule(file: str, names: Names) -> dict[str, Any]:
    """Return the rule of `file` with `names`; of the paths in the files only `*` is every application's."""
    rule: dict[str, Any] = load(file)["SamplingRule"]
    return rule | {
        "RuleName": _renamed(rule["RuleName"], names),
        "ServiceName": names.xray_service,
        "URLPath": "*" if rule["URLPath"] == "*" else names.application.health_check_path,
    }


def _group(file: str, names: Names, *, dynamic_naming: bool) -> dict[str, Any]:
    """Return the group of `file`; with dynamic naming its filter matches renamed segments as well."""
    group, all_traces = load(file), load("xray-group")["FilterExpression"]
    traces = names.xray_filter_with_renamed if dynamic_naming else names.xray_filter
    return group | {
        "GroupName": _renamed(group["GroupName"], names),
        "FilterExpression": group["FilterExpression"].replace(all_traces, traces),
    }


def _renamed(name: str, names: Names) -> str:
    """Return a group's or rule's name with the application's in place of the tutorial's, which it begins with."""
    return names.xray_group + name.removeprefix(load("xray-group")["GroupName"])
