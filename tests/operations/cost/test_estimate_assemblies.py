"""An assembly's stacks are all priced, or one estimate cannot have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.cost import templates
from operations.errors import OperatorError
from tests.operations.cost.stacks import Json


def written(folder: Path, artifacts: Json) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}), encoding="utf-8")
    template = {"Resources": {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard"}}}
    (folder / "one.json").write_text(json.dumps(template), encoding="utf-8")
    return folder


def stack(region: str = "unknown-region") -> Json:
    return {
        "type": "aws:cloudformation:stack",
        "environment": f"aws://unknown-account/{region}",
        "properties": {"templateFile": "one.json"},
    }


def stage(folder: str) -> Json:
    return {"type": "cdk:cloud-assembly", "properties": {"directoryName": folder}}


def test_the_stacks_of_a_stage_are_priced_too(tmp_path: Path) -> None:
    written(tmp_path / "assembly-Stage", {"Inner": stack("eu-west-1")})
    content = templates.load(written(tmp_path, {"Outer": stack(), "assembly-Stage": stage("assembly-Stage")}))
    assert [each.stack for each in content.resources] == ["Outer", "Inner"]
    assert content.region == "eu-west-1"


@pytest.mark.parametrize(
    ("artifacts", "problem"),
    [
        ({"One": stack("us-west-2"), "Two": stack("eu-west-1")}, "eu-west-1 and us-west-2"),
        ({"One": stack(), "Stage": stage(".")}, "within itself"),
        ({"One": stack(), "Stage": stage("gone")}, "cannot be read"),
    ],
)
def test_an_assembly_that_one_estimate_cannot_have_is_refused(tmp_path: Path, artifacts: Json, problem: str) -> None:
    with pytest.raises(OperatorError, match=problem):
        templates.load(written(tmp_path, artifacts))
