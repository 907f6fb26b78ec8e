from __future__ import annotations

import io
import re

import pytest

from local.workspace.report import Report


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_step_is_one_line_with_its_seconds() -> None:
    out = io.StringIO()
    report = Report(out)

    with report.step("cdk deploy") as step:
        step.detail("23/51")
        step.note = "51 resources"
    with report.step("wait"):
        pass

    assert re.fullmatch(r"  cdk deploy … 51 resources \(\d\.\d s\)\n  wait … done \(\d\.\d s\)\n", out.getvalue())


def test_a_terminal_shows_the_progress_of_a_step() -> None:
    out = Terminal()

    with Report(out).step("cdk deploy") as step:
        step.detail("23/51 AWS::EC2::VPC")

    assert "cdk deploy … 23/51 AWS::EC2::VPC" in out.getvalue()
    assert out.getvalue().rpartition("\r")[2].startswith("\x1b[K  cdk deploy … done (")


def test_a_failed_step_says_so_and_raises_its_error() -> None:
    out = io.StringIO()

    with pytest.raises(ZeroDivisionError), Report(out).step("cdk deploy"):
        raise ZeroDivisionError

    assert "cdk deploy … failed (" in out.getvalue()
