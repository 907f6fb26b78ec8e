from __future__ import annotations

from pathlib import Path

import pytest

from local.deploy.cdk_log import build_failure, progress


def test_progress_is_the_newest_event(tmp_path: Path) -> None:
    log = tmp_path / "cdk.log"
    log.write_text(
        "Cruddur-local-Service: deploying...\n"
        "Cruddur-local-Service |  1/51 | 1:00:00 AM | CREATE_IN_PROGRESS   | AWS::EC2::VPC      | Network/Vpc\n"
        "Cruddur-local-Service | 23/51 | 1:00:01 AM | CREATE_COMPLETE      | AWS::ECS::Cluster  | Backend/Cluster\n",
        encoding="utf-8",
    )

    assert progress(log) == "23/51 CREATE_COMPLETE AWS::ECS::Cluster"


def test_progress_is_empty_before_the_first_event(tmp_path: Path) -> None:
    (tmp_path / "cdk.log").write_text("synthesizing\n", encoding="utf-8")

    assert progress(tmp_path / "cdk.log") == ""


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("#8 [build 3/5] RUN python -m venv venv", "[build 3/5] RUN python -m venv venv"),
        ("Step 6/17 : COPY . service", "Step 6/17 : COPY . service"),
    ],
)
def test_progress_is_the_step_of_the_image_build(tmp_path: Path, line: str, step: str) -> None:
    event = "Observability | 6/6 | 1:00:01 AM | CREATE_COMPLETE | AWS::Logs::LogGroup | Logs/Group\n"
    (tmp_path / "cdk.log").write_text(f"{event}{line}\n#8 0.5 output of the step\n", encoding="utf-8")

    assert progress(tmp_path / "cdk.log") == step


def test_a_failed_build_is_reported_by_its_last_lines_and_its_error(tmp_path: Path) -> None:
    output = "".join(f"0.5 line {number}\n" for number in range(20))
    summary = f"------\n > [build 3/5] RUN pip:\n{output}------\nDockerfile:12\nERROR: failed to solve: exit code: 2\n"
    event = "Observability | 6/6 | 1:00:01 AM | CREATE_COMPLETE | AWS::Logs::LogGroup | Logs/Group\n"
    (tmp_path / "cdk.log").write_text(f"#8 [build 3/5] RUN pip\n{summary}{event}{summary}", encoding="utf-8")

    lines = build_failure(tmp_path / "cdk.log")

    assert lines[-2:] == ["0.5 line 19", "ERROR: failed to solve: exit code: 2"]
    assert len(lines) < 15


def test_a_build_without_output_is_reported_by_its_error(tmp_path: Path) -> None:
    (tmp_path / "cdk.log").write_text("#1 DONE\nERROR: failed to solve: unknown instruction\nmore\n", encoding="utf-8")

    assert build_failure(tmp_path / "cdk.log") == ["ERROR: failed to solve: unknown instruction"]


def test_another_error_is_not_reported_as_a_failed_build(tmp_path: Path) -> None:
    (tmp_path / "cdk.log").write_text("Stack failed: ERROR of CloudFormation\n", encoding="utf-8")

    assert build_failure(tmp_path / "cdk.log") == []
