"""The templates pass cfn-lint, which checks CloudFormation's own schemas."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.environments import ENVIRONMENTS
from tests.infra.assembly import PLAIN_IMAGE, Assembly, StackTemplate

CFN_LINT = Path(sys.executable).parent / "cfn-lint"


def lint(*templates: Path, ignore: str | None = None, regions: Sequence[str] = ("us-east-1", "eu-west-1")) -> str:
    ignored = [] if ignore is None else ["--ignore-checks", ignore]
    command = [str(CFN_LINT), *ignored, "--regions", *regions, "--template", *map(str, templates)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False).stdout


def test_the_templates_of_every_environment_pass(
    synthesized: Callable[..., Assembly], https: StackTemplate, with_asset: Assembly
) -> None:
    plain = [stack for name in ENVIRONMENTS for stack in synthesized(name, image=PLAIN_IMAGE).stacks]
    assert lint(*(each.path for each in (*plain, https, with_asset.service))) == ""


def test_a_broken_template_fails(tmp_path: Path, dev: Assembly) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(dev.observability.text.replace('"RetentionInDays": 7', '"RetentionInDays": 8'), encoding="utf-8")
    assert "E3030" in lint(broken)
