"""Synthesize the project's CDK apps within this process, to look at what they make."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import aws_cdk as cdk

import app
from infra.application import ApplicationError, selected_folder
from infra.context import ContextError, Deployment
from infra.environments import Environment
from operations.errors import OperatorError, operator_error

CHECKOUT: Final = Path(__file__).parent.parent
_IMAGE: Final = "application:unbuilt"


def new_app(folder: Path, **context: str) -> cdk.App:
    """Return an app that writes its assembly to `folder`, with cdk.json's feature flags and no image to build.

    Its stacks are those of the application in the folder that `APP` names, unless `context` names another.

    Production may serve plain HTTP here: it is declared without a domain.
    """
    flags = json.loads((CHECKOUT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return cdk.App(
        outdir=str(folder),
        context=flags | {"app": str(selected_folder()), "plain_http": "yes", "image": _IMAGE} | context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )


def synthesize(folder: Path, environment: Environment) -> None:
    """Write the assembly of the selected application's stacks to `folder`.

    `environment` has the name of one of infra/environments.py, and choices of its own. Raises `OperatorError`.
    """
    stacks = new_app(folder, environment=environment.name)
    try:
        app.add_stacks(stacks, replace(Deployment.from_context(stacks.node), environment=environment))
        stacks.synth()
    except ApplicationError as error:
        raise operator_error(error) from error
    except ContextError as error:
        if isinstance(error.__cause__, ApplicationError):
            raise operator_error(error.__cause__) from error
        problem, _, remedy = str(error).partition(": ")
        raise OperatorError(problem, f"{remedy[:1].upper()}{remedy[1:]}") from error
