from __future__ import annotations

import json
from pathlib import Path

import pytest

from flask_onetrace.contract import Output
from infra.names import Names
from local.deploy.cdk import read_outputs
from operations.errors import OperatorError
from tests.sample import CRUDDUR


def write_outputs(path: Path, outputs: dict[str, str]) -> Path:
    file = path / "outputs.json"
    names = list(outputs)
    stacks = {
        "Cruddur-local-Observability": {name: outputs[name] for name in names[:1]},
        "Cruddur-local-Service": {name: outputs[name] for name in names[1:]},
    }
    file.write_text(json.dumps(stacks), encoding="utf-8")
    return file


def test_outputs_of_both_stacks_are_read_by_their_names_in_the_contract(tmp_path: Path) -> None:
    outputs = {str(name): f"value of {name}" for name in Output}

    file = write_outputs(tmp_path, outputs | {"ExportsOutputRef": "used by the other stack"})
    assert read_outputs(file, Names(CRUDDUR, "local")) == outputs


def test_a_missing_output_is_an_error_that_names_it(tmp_path: Path) -> None:
    outputs = {str(name): "x" for name in Output if name is not Output.TARGET_GROUP}

    with pytest.raises(OperatorError, match="no output TargetGroup"):
        read_outputs(write_outputs(tmp_path, outputs), Names(CRUDDUR, "local"))
