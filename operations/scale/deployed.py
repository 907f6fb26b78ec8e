"""Analyse an environment by its synthesized stacks: the only module here that loads the CDK."""

from __future__ import annotations

from operations.cost.pricing import synthesized
from operations.cost.question import deployed_environment
from operations.cost.traffic import measured
from operations.scale.analysis import ScalingAnalysis
from operations.scale.service import service_of


def analysis_of(environment: str) -> ScalingAnalysis:
    """Synthesize the stacks of `environment`. Raises `OperatorError` for one that is not deployed."""
    templates = synthesized(deployed_environment(environment))
    return ScalingAnalysis(templates, service_of(templates), measured())
