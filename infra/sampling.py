"""Decide which share of the requests is traced."""

from typing import Any

from infra.aws_json import load
from infra.environments import Sampling


def sampling_rule(override: Sampling | None) -> dict[str, Any]:
    """Return the rule of `aws/json/xray.json` ("SamplingRule", X-Ray API reference) at the environment's rates."""
    rule: dict[str, Any] = load("xray")["SamplingRule"]
    if override is None:
        return rule
    return rule | {"FixedRate": override.fixed_rate, "ReservoirSize": override.reservoir_size}
