"""Synthesize the project's CDK apps within this process, to look at what they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import aws_cdk as cdk

from infra.application import selected_folder

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
