"""The runbook and the policy have the words and the actions of the code."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from operations.diagnosis.causes import ORDER, CauseModule
from operations.diagnosis.policy import DOCUMENT, TABLE, with_document, with_table
from operations.diagnosis.runbook import with_entries

ROOT = Path(__file__).parents[3]


def test_the_runbook_has_an_entry_for_every_cause_in_its_words() -> None:
    document = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert document == with_entries(document), "run python -m operations.diagnosis"
    for module in ORDER:
        assert f"\n### {module.CAUSE.title}\n" in document
        assert module.CAUSE.anchor == f"docs/runbook.md#{module.CAUSE.slug}"


def test_the_pages_have_the_policy_of_the_role() -> None:
    for name, update in ((TABLE, with_table), (DOCUMENT, with_document)):
        page = (ROOT / name).read_text(encoding="utf-8")
        assert page == update(page), "run python -m operations.diagnosis"


@pytest.mark.parametrize("module", ORDER, ids=lambda module: module.CAUSE.slug)
def test_the_runbooks_example_has_exactly_the_values_of_the_templates(module: CauseModule) -> None:
    cause = module.CAUSE
    templates = cause.meaning if cause.general_remedy else cause.meaning + cause.remedy
    assert set(cause.example) == {name for _, name, _, _ in Formatter().parse(templates) if name}


def test_the_readme_counts_the_causes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"names the cause, one of {len(ORDER)}," in readme
