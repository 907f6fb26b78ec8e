"""A pull request is told what it changes of an environment's cost, in Markdown that none of its text can leave."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from infra.environments import DEV, Environment
from infra.telemetry import Sampling
from operations import diff_comment
from operations.cost.line_items import Estimate, FreeResource, LineItem
from operations.cost.prices.prices import Price, Prices, Tier
from operations.cost.pull_request.assemblies import context_of
from operations.cost.pull_request.change import Change
from operations.cost.pull_request.comment import not_estimated, section
from operations.cost.pull_request.comparison import main
from operations.cost.report.summary import Summary
from operations.cost.traffic import Traffic
from operations.diff_comment import markdown as diff_section
from operations.errors import OperatorError
from operations.pull_request_comment import MAX_BODY, body
from operations.synthesis import synthesize

EXPECTED = Path(__file__).parent / "expected" / "comment.md"
HOUR = Price(
    key="hour", unit="hour", tiers=(Tier(0, 0.05),), source="https://prices.example", read_on=date(2026, 11, 30)
)
GB = replace(HOUR, key="gb", unit="GB", tiers=(Tier(0, 0.5),), stated_on=date(2026, 10, 1))
PRICES = Prices("us-east-1", {each.key: each for each in (HOUR, GB)})
HOSTILE = (
    "`` ` ```\n# heading\n| a | b |\n<img src=x onerror=alert(1)> @everybody #1 [a](https://evil.example) "
    "www.evil.example **b** \u202e\x1b[31m arn:aws:iam::123456789012:role"
)


@pytest.fixture(autouse=True)
def _outside_of_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def item(name: str, quantity: float, resource: str = "Service", price: Price = HOUR) -> LineItem:
    return LineItem(
        stack="Dev",
        resource=resource,
        type="AWS::ECS::Service",
        name=name,
        price=price,
        quantity=quantity,
        derivation="",
        by_traffic=price is GB,
    )


def estimate(*items: LineItem, free: Sequence[str] = (), warnings: Sequence[str] = ()) -> Estimate:
    return Estimate(
        environment="dev",
        region="us-east-1",
        items=items,
        free=[FreeResource("Dev", each, "AWS::EC2::Subnet", "") for each in free],
        assumptions=(),
        unknown=(),
        warnings=warnings,
    )


def change(before: Estimate | None, after: Estimate, requests: float = 1) -> Change:
    """Return the change, in which what is fixed is what there is without a request."""
    return Change(None if before is None else summary(before, requests), summary(after, requests))


def summary(busy: Estimate, requests: float) -> Summary:
    idle = replace(busy, items=[each for each in busy.items if not each.by_traffic])
    return Summary(busy, idle, Traffic(requests=requests))


BEFORE = estimate(item("Tasks", 730), item("Logs", 2, "Group", GB), item("Gone", 10, "Old"), free=["Left", "Kept"])
AFTER = estimate(
    item("Tasks", 730),
    item("Tasks", 730, "Second"),
    item("Logs", 2, "Group", GB),
    free=["Kept", "New", "Newer"],
    warnings=["Lines are billed twice."],
)
SECTION = """\
### Cost of dev: +$36.00 a month (+95 %) at 1 request a second

**Over the limit of $60.00 a month**: `cost_limit` in infra/environments.py.

| Line item | Quantity | Before | After | Difference |
| --- | --- | ---: | ---: | ---: |
| Tasks | 730 → 1,460 hours | $36.50 | $73.00 | +$36.50 |
| Gone | 10 → 0 hours | $0.50 | $0.00 | -$0.50 |
| **Without a request** |  | **$37.00** | **$73.00** | **+$36.00** |
| **By the requests** |  | **$1.00** | **$1.00** | **+$0.00** |
| **All** |  | **$38.00** | **$74.00** | **+$36.00** |

```text
[+] AWS::ECS::Service Second +$36.50
[-] AWS::ECS::Service Old -$0.50
```

Free resources: 2 added, 1 removed.

New warnings:

```text
Lines are billed twice.
```

Prices of us-east-1, of 2026-10-01 to 2026-11-30. Each line item and assumption: `make cost`.
"""


def test_the_section_has_what_changed_and_nothing_else() -> None:
    assert section(change(BEFORE, AFTER), PRICES, limit=60) == SECTION


def test_nothing_that_changes_is_one_line() -> None:
    same = change(BEFORE, estimate(*reversed(BEFORE.items), free=["Other"]))
    assert section(same, PRICES, limit=60) == ("### Cost of dev: unchanged, $38.00 a month at 1 request a second\n")


def test_a_cost_that_falls_or_begins_is_said_with_its_sign() -> None:
    def heading(before: Estimate, after: Estimate) -> str:
        return section(change(before, after, 1_000), PRICES).partition("\n")[0]

    nothing = estimate()
    assert heading(AFTER, BEFORE) == "### Cost of dev: -$36.00 a month (-49 %) at 1,000 requests a second"
    assert heading(nothing, BEFORE) == "### Cost of dev: +$38.00 a month at 1,000 requests a second"
    assert heading(BEFORE, nothing) == "### Cost of dev: -$38.00 a month (-100 %) at 1,000 requests a second"


def test_what_costs_the_same_by_other_items_is_still_shown() -> None:
    text = section(change(estimate(item("A", 100)), estimate(item("B", 100))), PRICES)
    assert text.startswith("### Cost of dev: +$0.00 a month at ")
    assert "| A | 100 → 0 hours | $5.00 | $0.00 | -$5.00 |\n| B | 0 → 100 hours |" in text


def test_without_a_base_the_cost_itself_is_listed_with_the_reason() -> None:
    text = section(change(None, estimate(item("Tasks", 730))), PRICES, base_error="no such environment")
    assert text == (
        "### Cost of dev: $36.50 a month at 1 request a second\n\n"
        "There is nothing to compare it with:\n\n```text\nno such environment\n```\n\n"
        "| Line item | Quantity | Cost |\n| --- | --- | ---: |\n| Tasks | 730 hours | $36.50 |\n"
        "| **Without a request** |  | **$36.50** |\n| **By the requests** |  | **$0.00** |\n"
        "| **All** |  | **$36.50** |\n\n"
        "Prices of us-east-1, of 2026-10-01 to 2026-11-30. Each line item and assumption: `make cost`.\n"
    )


def hostile() -> list[str]:
    own = replace(HOUR, key="own", unit=HOSTILE)
    after = estimate(
        item(HOSTILE, 100, price=own),
        item("Tasks", 700, HOSTILE),
        *(item(f"{HOSTILE}{number}", 10, f"{HOSTILE}{number}", own) for number in range(100)),
        warnings=[HOSTILE * 10] * 9,
    )
    after = replace(after, environment=HOSTILE)
    prices = Prices(HOSTILE, PRICES.by_key)
    return [
        section(change(estimate(item("Tasks", 1)), after), prices, limit=1),
        section(change(None, after), prices, limit=1, base_error=HOSTILE * 90),
        not_estimated(HOSTILE, HOSTILE * 90),
    ]


@pytest.mark.parametrize("number", range(3))
def test_no_text_of_the_pull_request_is_read_as_markdown(number: int) -> None:
    text = hostile()[number]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [each for token in tokens for each in token.children or ()]
    assert [each.map for each in tokens if each.type == "heading_open"] == [[0, 1]]
    assert not {each.type for each in (*tokens, *inline)} & {"html_block", "html_inline", "link_open", "image"}
    plain = " ".join(each.content for each in inline if each.type == "text")
    assert not [each for each in ("@", "#1", "evil", "heading", "<") if each in plain]
    rows = [each for each in tokens if each.type == "tr_open"]
    columns = [each for each in tokens if each.type == "td_open"]
    assert len(columns) == max(len(rows) - 1, 0) * (5 - 2 * number)
    assert not [each for each in ("\u202e", "\x1b", "123456789012") if each in text]


def test_the_largest_sections_of_two_environments_fit_into_one_comment(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        (tmp_path / f"cost-{name}.md").write_text(max(hostile(), key=len), encoding="utf-8")
        diff = diff_section(name, f"{'`' * 50}\n" + "[+] x\n" * diff_comment.LIMIT, failed=False)
        (tmp_path / f"diff-{name}.md").write_text(diff, encoding="utf-8")
    assert "too long for this comment" not in body(tmp_path)
    assert len(body(tmp_path)) < MAX_BODY


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Environment], Path]:
    def synthesized(environment: Environment) -> Path:
        folder = tmp_path_factory.mktemp("assembly")
        synthesize(folder, environment)
        return folder

    return synthesized


@pytest.fixture(scope="module")
def before(assembly: Callable[[Environment], Path]) -> Path:
    return assembly(DEV)


def run(tmp_path: Path, *arguments: object, environment: str = "dev") -> str:
    assert main(["--environment", environment, "--folder", str(tmp_path / "new"), *map(str, arguments)]) == 0
    return (tmp_path / "new" / f"cost-{environment}.md").read_text(encoding="utf-8")


def test_more_tasks_and_nat_gateways_and_less_sampling_are_compared_by_their_templates(
    before: Path,
    assembly: Callable[[Environment], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Update after an intended change of prices or measurements: `UPDATE_EXPECTED=1 pytest` of this file."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    changed = replace(
        DEV,
        tasks=replace(DEV.tasks, minimum=2, desired=2),
        network=replace(DEV.network, nat_gateways=2),
        telemetry=replace(DEV.telemetry, sampling=Sampling(fixed_rate=0.05, reservoir_size=1)),
    )
    text = run(tmp_path, "--before", before, "--after", assembly(changed), "--requests", "20")
    if os.environ.get("UPDATE_EXPECTED") == "1":
        EXPECTED.parent.mkdir(exist_ok=True)
        EXPECTED.write_text(text, encoding="utf-8")
    assert text.splitlines() == EXPECTED.read_text(encoding="utf-8").splitlines()
    assert capsys.readouterr().out == text
    assert (tmp_path / "summary").read_text(encoding="utf-8") == f"{text}\n"


def test_an_environments_traffic_is_that_of_its_cost_limit(before: Path, tmp_path: Path) -> None:
    assert DEV.cost_limit is not None
    text = run(tmp_path, "--before", before, "--after", before)
    assert text.startswith("### Cost of dev: unchanged, $")
    assert text.splitlines()[0].endswith(f" a month at {DEV.cost_limit.requests:g} request a second")
    assert "limit" not in run(tmp_path, "--before", before, "--after", before, "--requests", "1000")


def edited(assembly: Path, folder: Path, edit: Callable[[dict[str, Any]], None]) -> Path:
    """Copy an assembly and change the resources of its service stack."""
    folder.mkdir()
    for path in assembly.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if path.name.endswith("-Service.template.json"):
            edit(content["Resources"])
        (folder / path.name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_stacks_of_another_environment_are_not_compared(before: Path, tmp_path: Path) -> None:
    text = run(tmp_path, "--before", before, "--after", before, environment="prod")
    assert text.startswith("### Cost of prod: not estimated\n")
    assert "has the stacks of 'dev', not those of 'prod'" in text


def test_a_base_that_cannot_be_priced_is_no_reason_to_fail(before: Path, tmp_path: Path) -> None:
    base = edited(before, tmp_path / "base", lambda resources: resources.update(Own={"Type": "Own::Kind::Thing"}))
    text = run(tmp_path, "--before", base, "--after", before)
    assert text.startswith("### Cost of dev: $")
    assert "There is nothing to compare it with:\n\n```text\nThere is no price of Own (Own::Kind::Thing)" in text
    assert "\n| Fargate vCPU | " in text


def test_templates_that_cannot_be_priced_are_said_to_be_so(before: Path, tmp_path: Path) -> None:
    head = edited(before, tmp_path / "head", lambda resources: resources.update(Own={"Type": "Own::Kind::Thing"}))
    text = run(tmp_path, "--before", before, "--after", head)
    assert text.startswith("### Cost of dev: not estimated\n\n```text\nThere is no price of Own (Own::Kind::Thing)")
    text = run(tmp_path, "--before", before, "--after", before, "--region", "xx-nowhere-1")
    assert text.startswith("### Cost of dev: not estimated\n\n```text\nThere are no prices of xx-nowhere-1 ")


def test_a_logical_id_of_the_template_stays_in_its_block(before: Path, tmp_path: Path) -> None:
    name = "Nat```\n# heading @everybody\n[+] AWS::EC2::EIP Forged"
    nat = {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1"}}
    head = edited(before, tmp_path / "head", lambda resources: resources.update({name: nat}))
    text = run(tmp_path, "--before", before, "--after", head)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    assert len([each for each in tokens if each.type == "heading_open"]) == 1
    [block] = next(each.content for each in tokens if each.type == "fence").splitlines()
    assert block.startswith("[+] AWS::EC2::NatGateway Nat``` # heading @everybody [+] AWS::EC2::EIP Forged +$")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--requests", "many"], "error: REQUESTS='many' is no number from 0 to 10,000,000. Give the requests"),
        (["--", "-c", "plain_http"], "error: '-c plain_http' is no context of the CDK. Pass -c key=value"),
        (["--", "--profile", "prod"], "error: '--profile prod' is no context of the CDK"),
    ],
)
def test_a_bad_value_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--environment", "dev", "--folder", str(tmp_path / "new"), *arguments]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not (tmp_path / "new").exists()


def test_the_last_value_of_a_context_key_counts() -> None:
    assert context_of(["-c", "a=1", "--context", "b=x=y", "-c", "a="]) == {"a": "", "b": "x=y"}
    with pytest.raises(OperatorError, match="is no context"):
        context_of(["-c"])


APP = """\
import json, os, sys
from pathlib import Path

context = json.loads(os.environ["CDK_CONTEXT_JSON"])
if context["environment"] not in {environments}:
    sys.exit("error: environment " + context["environment"] + " is not known")
nat = {{"Type": "AWS::EC2::NatGateway", "Properties": {{"SubnetId": "subnet-1"}}}}
out = Path(os.environ["CDK_OUTDIR"])
out.mkdir()
template = {{"Resources": {{"Nat" + str(number): nat for number in range({gateways})}}}}
(out / "T.json").write_text(json.dumps(template))
artifact = {{"type": "aws:cloudformation:stack", "properties": {{"templateFile": "T.json"}}}}
(out / "manifest.json").write_text(json.dumps({{"artifacts": {{"T": artifact}}}}))
with open({log!r}, "a") as log:
    print(json.dumps([dict(os.environ), context, os.getcwd()]), file=log)
"""
Commit = Callable[..., None]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "onetrace.toml").touch()
    (folder / "cdk.json").write_text('{"context": {"@aws-cdk/flag": true, "image": "of-the-file"}}', encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def commit(repository: Path, log: Path) -> Commit:
    """Make a commit whose app.py has as many NAT gateways in these environments."""

    def write(gateways: int, *environments: str) -> None:
        app = APP.format(gateways=gateways, environments=environments, log=str(log))
        (repository / "app.py").write_text(app, encoding="utf-8")
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", f"{gateways} gateways")

    return write


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder), **identity}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_commit_before_is_synthesized_by_its_own_app_without_credentials(
    repository: Path, commit: Commit, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "PYTHONPATH"):
        monkeypatch.setenv(name, "planted")
    commit(1, "dev")
    commit(3, "dev")
    context = ["--", "-c", f"app={repository / 'shop'}", "-c", "version=1", "-c", "image="]
    text = run(tmp_path, "--requests", "0", "--root", repository, *context)
    assert text.startswith("### Cost of dev: +$65.70 a month (+200 %) at 0 requests a second\n")
    assert "[+] AWS::EC2::NatGateway Nat1 +$32.85\n[+] AWS::EC2::NatGateway Nat2 +$32.85\n" in text
    head, base = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert head[2] == str(repository)
    assert base[1]["app"] == f"{base[2]}/shop"
    assert (
        base[1] | {"app": head[1]["app"]}
        == head[1]
        == {
            "@aws-cdk/flag": True,
            "app": str(repository / "shop"),
            "environment": "dev",
            "image": "application:unbuilt",
            "plain_http": "yes",
            "version": "1",
        }
    )
    for environment, *_ in (head, base):
        assert "planted" not in environment.values()
        assert environment["HOME"] not in (os.environ["HOME"], str(Path.home()))
        assert not Path(environment["HOME"]).exists()
        assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
        assert environment["AWS_SHARED_CREDENTIALS_FILE"] == environment["AWS_CONFIG_FILE"] == os.devnull
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_what_is_in_no_commit_is_compared_too(repository: Path, commit: Commit, tmp_path: Path) -> None:
    commit(1, "dev")
    (repository / "app.py").write_text((repository / "app.py").read_text("utf-8").replace("range(1)", "range(2)"))
    assert "[+] AWS::EC2::NatGateway Nat1 +$32.85\n" in run(
        tmp_path, "--requests", "0", "--root", repository, "--base", "main"
    )


def test_an_environment_that_is_new_has_its_cost(repository: Path, commit: Commit, tmp_path: Path) -> None:
    commit(1, "dev")
    commit(1, "dev", "stage")
    text = run(tmp_path, "--requests", "0", "--root", repository, environment="stage")
    assert text.startswith("### Cost of stage: $32.85 a month at 0 requests a second\n")
    assert "app.py failed: error: environment stage is not known" in text


@pytest.mark.parametrize("base", ["HEAD^1", "nowhere", "--all", "$(touch x)"])
def test_a_base_that_is_no_commit_is_named(repository: Path, commit: Commit, tmp_path: Path, base: str) -> None:
    commit(1, "dev")
    text = run(tmp_path, "--requests", "0", "--root", repository, f"--base={base}")
    assert f"```text\n'{base}' is no commit of this checkout. Name the one to compare with, as BASE=main" in text


def test_what_an_app_prints_is_for_the_jobs_log_but_its_last_line(
    repository: Path, commit: Commit, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    commit(1, "dev")
    (repository / "app.py").write_text('import sys\nprint("hcaik_planted")\nsys.exit("account 123456789012 is new")')
    text = run(tmp_path, "--root", repository)
    assert "app.py failed: account <account> is new. Its other lines are in the job's log" in text
    assert "planted" not in text
    assert capfd.readouterr().err == "hcaik_planted\naccount 123456789012 is new\n"
    (repository / "app.py").write_text("import os\nos._exit(3)")
    assert "app.py failed: it exited with 3." in run(tmp_path, "--root", repository)


def test_an_app_that_hangs_is_ended_with_what_it_has_started(
    repository: Path, commit: Commit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.cost.pull_request.assemblies._TIMEOUT", 1)
    commit(1, "dev")
    started = tmp_path / "started"
    script = "import subprocess\nprocess = subprocess.Popen(['sleep', '600'])\n"
    (repository / "app.py").write_text(f"{script}open({str(started)!r}, 'w').write(str(process.pid))\nprocess.wait()\n")
    assert "app.py ran for 1 s and was ended" in run(tmp_path, "--root", repository)
    status = Path(f"/proc/{started.read_text(encoding='utf-8')}/status")
    assert not status.exists() or "\nState:\tZ" in status.read_text(encoding="utf-8")


def test_a_head_that_cannot_be_synthesized_is_said_to_be_so(repository: Path, commit: Commit, tmp_path: Path) -> None:
    commit(1, "dev")
    commit(1, "prod")
    text = run(tmp_path, "--requests", "0", "--root", repository)
    assert text == (
        "### Cost of dev: not estimated\n\n```text\n"
        "app.py failed: error: environment dev is not known. Its other lines are in the job's log\n```\n"
    )
    (repository / "cdk.json").write_text("[]", encoding="utf-8")
    assert "cdk.json cannot be read" in run(tmp_path, "--requests", "0", "--root", repository)
