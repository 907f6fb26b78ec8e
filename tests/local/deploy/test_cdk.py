from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.deploy.cdk import build_failure, progress, read_outputs
from local.workspace.errors import LocalError
from service.contract import Output


def written(path: Path, outputs: dict[str, str]) -> Path:
    file = path / "outputs.json"
    names = list(outputs)
    stacks = {
        "Cruddur-local-Observability": {name: outputs[name] for name in names[:1]},
        "Cruddur-local-Service": {name: outputs[name] for name in names[1:]},
    }
    file.write_text(json.dumps(stacks), encoding="utf-8")
    return file


def test_the_outputs_of_both_stacks_are_read_by_the_contracts_names(tmp_path: Path) -> None:
    outputs = {str(name): f"value of {name}" for name in Output}

    assert read_outputs(written(tmp_path, outputs | {"ExportsOutputRef": "for the other stack"})) == outputs


def test_a_missing_output_is_named(tmp_path: Path) -> None:
    outputs = {str(name): "x" for name in Output if name is not Output.TARGET_GROUP}

    with pytest.raises(LocalError, match="no output TargetGroup"):
        read_outputs(written(tmp_path, outputs))


def test_the_newest_event_tells_the_progress(tmp_path: Path) -> None:
    log = tmp_path / "cdk.log"
    log.write_text(
        "Cruddur-local-Service: deploying...\n"
        "Cruddur-local-Service |  1/51 | 1:00:00 AM | CREATE_IN_PROGRESS   | AWS::EC2::VPC      | Network/Vpc\n"
        "Cruddur-local-Service | 23/51 | 1:00:01 AM | CREATE_COMPLETE      | AWS::ECS::Cluster  | Backend/Cluster\n",
        encoding="utf-8",
    )

    assert progress(log) == "23/51 CREATE_COMPLETE AWS::ECS::Cluster"


def test_before_the_first_event_there_is_no_progress(tmp_path: Path) -> None:
    (tmp_path / "cdk.log").write_text("synthesizing\n", encoding="utf-8")

    assert progress(tmp_path / "cdk.log") == ""


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("#8 [build 3/5] RUN python -m venv venv", "[build 3/5] RUN python -m venv venv"),
        ("Step 6/17 : COPY . service", "Step 6/17 : COPY . service"),
    ],
)
def test_while_the_image_is_built_its_step_is_the_progress(tmp_path: Path, line: str, shown: str) -> None:
    event = "Observability | 6/6 | 1:00:01 AM | CREATE_COMPLETE | AWS::Logs::LogGroup | Logs/Group\n"
    (tmp_path / "cdk.log").write_text(f"{event}{line}\n#8 0.5 said by the step\n", encoding="utf-8")

    assert progress(tmp_path / "cdk.log") == shown


def test_of_a_failed_build_its_own_last_words_are_told(tmp_path: Path) -> None:
    said = "".join(f"0.5 line {number}\n" for number in range(20))
    summary = f"------\n > [build 3/5] RUN pip:\n{said}------\nDockerfile:12\nERROR: failed to solve: exit code: 2\n"
    meanwhile = "Observability | 6/6 | 1:00:01 AM | CREATE_COMPLETE | AWS::Logs::LogGroup | Logs/Group\n"
    (tmp_path / "cdk.log").write_text(f"#8 [build 3/5] RUN pip\n{summary}{meanwhile}{summary}", encoding="utf-8")

    told = build_failure(tmp_path / "cdk.log")

    assert told[-2:] == ["0.5 line 19", "ERROR: failed to solve: exit code: 2"]
    assert len(told) < 15


def test_of_a_build_that_never_began_the_verdict_is_told(tmp_path: Path) -> None:
    (tmp_path / "cdk.log").write_text("#1 DONE\nERROR: failed to solve: unknown instruction\nmore\n", encoding="utf-8")

    assert build_failure(tmp_path / "cdk.log") == ["ERROR: failed to solve: unknown instruction"]


def test_where_no_build_failed_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "cdk.log").write_text("Stack failed: ERROR of CloudFormation\n", encoding="utf-8")

    assert build_failure(tmp_path / "cdk.log") == []
