"""Emulate X-Ray sampling rules and targets.

Sources: X-Ray API reference, CreateSamplingRule, GetSamplingRules, GetSamplingTargets; CloudFormation's
AWS::XRay::SamplingRule. Each client gets the whole reservoir as its quota; AWS divides it among the clients.
"""

from __future__ import annotations

import time
from typing import Any, Final

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import ResourceType, arn, new_store
from local.emulator.xray import sampling_statistics

DEFAULT_RULE: Final = "Default"
INTERVAL: Final = 10
"""Seconds until a client polls for its targets again."""
QUOTA_SECONDS: Final = 15
MAX_PRIORITY: Final = 9999
VERSION: Final = 1

_DEFAULT: Final = {
    "RuleName": DEFAULT_RULE,
    "ResourceARN": "*",
    "Priority": 10000,
    "FixedRate": 0.05,
    "ReservoirSize": 1,
    "ServiceName": "*",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": VERSION,
    "Attributes": {},
}
_PATTERNS: Final = ("ResourceARN", "ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath")
_NUMBER_RANGES: Final[dict[str, tuple[type[int | float], float, float]]] = {
    "Priority": (int, 1, MAX_PRIORITY),
    "FixedRate": (float, 0, 1),
    "ReservoirSize": (int, 0, 2**31),
}

_rules: Final[Any] = new_store()
_deletions: Final[Any] = new_store()


def _validated(rule: Json, *, bounded: tuple[str, ...] = tuple(_NUMBER_RANGES)) -> Json:
    validated = dict(rule)
    for name in _PATTERNS:
        if not isinstance(rule.get(name), str):
            raise _invalid(f"{name} is missing")
    for name, (kind, least, most) in _NUMBER_RANGES.items():
        try:
            validated[name] = kind(rule[name])
        except (KeyError, TypeError, ValueError):
            raise _invalid(f"{name} {rule.get(name)!r} is not a number") from None
        if name in bounded and not least <= validated[name] <= most:
            raise _invalid(f"{name} {validated[name]} is not between {least} and {most}")
    if int(rule.get("Version", 0)) != VERSION:
        raise _invalid(f"Version {rule.get('Version')!r} is not {VERSION}")
    return {**validated, "Version": VERSION, "Attributes": rule.get("Attributes") or {}}


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)


def create_rule(request: Json) -> Json:
    """Create a rule; its name must be new."""
    rule = request.get("SamplingRule") or {}
    name = rule.get("RuleName")
    if not isinstance(name, str) or not name:
        raise _invalid("SamplingRule.RuleName is missing")
    if name in _rules or name == DEFAULT_RULE:
        raise _invalid(f"the sampling rule {name} exists already")
    now = time.time()
    stored = {**_validated(rule), "RuleARN": arn("xray", f"sampling-rule/{name}")}
    _rules[name] = {"SamplingRule": stored, "CreatedAt": now, "ModifiedAt": now}
    return {"SamplingRuleRecord": _rules[name]}


def _find(request: Json) -> Json:
    name, rule_arn = request.get("RuleName"), request.get("RuleARN")
    for record in [*_rules.values(), _default()]:
        if record["SamplingRule"]["RuleName"] == name or record["SamplingRule"]["RuleARN"] == rule_arn:
            match: Json = record
            return match
    raise _invalid(f"the sampling rule {name or rule_arn} does not exist")


def _default() -> Json:
    rule = {**_DEFAULT, "RuleARN": arn("xray", f"sampling-rule/{DEFAULT_RULE}")}
    stored: Json = _rules.get(DEFAULT_RULE) or {"SamplingRule": rule, "CreatedAt": 0, "ModifiedAt": 0}
    return stored


def update_rule(request: Json) -> Json:
    """Update the given fields of a rule; of the Default rule, only rate and reservoir can change."""
    change = {key: value for key, value in (request.get("SamplingRuleUpdate") or {}).items() if value is not None}
    record = _find(change)
    name = record["SamplingRule"]["RuleName"]
    bounded = ("FixedRate", "ReservoirSize") if name == DEFAULT_RULE else tuple(_NUMBER_RANGES)
    if name == DEFAULT_RULE and not change.keys() <= {"RuleName", "RuleARN", *bounded}:
        raise _invalid("of the Default rule only FixedRate and ReservoirSize can be changed")
    rule = _validated({**record["SamplingRule"], **change}, bounded=bounded)
    _rules[name] = {**record, "SamplingRule": rule, "ModifiedAt": time.time()}
    return {"SamplingRuleRecord": _rules[name]}


def delete_rule(request: Json) -> Json:
    """Remove a rule; the Default rule cannot be removed."""
    record = _find(request)
    name = record["SamplingRule"]["RuleName"]
    if name == DEFAULT_RULE:
        raise _invalid("the Default rule cannot be deleted")
    _remove(name)
    return {"SamplingRuleRecord": record}


def _remove(name: str) -> None:
    _rules.pop(name)
    _deletions["last"] = time.time()


def get_rules(_request: Json) -> Json:
    """Return all rules, the Default rule last."""
    records = [record for name, record in _rules.items() if name != DEFAULT_RULE]
    return {"SamplingRuleRecords": [*records, _default()]}


def get_targets(request: Json) -> Json:
    """Count a client's statistics, and return the sampling targets of their rules until the next interval."""
    statistics = request.get("SamplingStatisticsDocuments")
    if not isinstance(statistics, list):
        raise _invalid("SamplingStatisticsDocuments is missing")
    targets, unprocessed = [], []
    for document in statistics:
        try:
            target = _target(_find({"RuleName": document["RuleName"]})["SamplingRule"])
            sampling_statistics.count(document)
            targets.append(target)
        except (ServiceError, KeyError, TypeError) as error:
            name = document.get("RuleName") if isinstance(document, dict) else None
            unprocessed.append({"RuleName": name, "ErrorCode": "InvalidRule", "Message": str(error)})
    # A deletion is a change, too: a client that is not told of it would follow the rule for minutes.
    changes = [record["ModifiedAt"] for record in get_rules({})["SamplingRuleRecords"]]
    modified = max(*changes, _deletions.get("last", 0))
    return {
        "SamplingTargetDocuments": targets,
        "UnprocessedStatistics": unprocessed,
        "LastRuleModification": modified,
    }


def _target(rule: Json) -> Json:
    return {
        "RuleName": rule["RuleName"],
        "FixedRate": rule["FixedRate"],
        "ReservoirQuota": rule["ReservoirSize"],
        "ReservoirQuotaTTL": time.time() + QUOTA_SECONDS,
        "Interval": INTERVAL,
    }


def _create(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    rule = create_rule(properties)["SamplingRuleRecord"]["SamplingRule"]["RuleARN"]
    return rule, {"RuleARN": rule}


def _update(rule: str, properties: Json) -> Json:
    stored = _find({"RuleARN": rule})
    name = stored["SamplingRule"]["RuleName"]
    if properties["SamplingRule"].get("RuleName") != name:
        raise _invalid(f"the sampling rule {name} cannot be renamed: give the resource another logical id")
    rule_properties = {**_validated(properties["SamplingRule"]), "RuleARN": rule}
    _rules[name] = {**stored, "SamplingRule": rule_properties, "ModifiedAt": time.time()}
    return {"RuleARN": rule}


def _delete(rule: str, _properties: Json) -> None:
    for name in [name for name, record in _rules.items() if record["SamplingRule"]["RuleARN"] == rule]:
        _remove(name)


SAMPLING_RULE: Final = ResourceType(name="AWS::XRay::SamplingRule", create=_create, update=_update, delete=_delete)
