"""The list of what is overridden in ministack is complete, and each name that is used exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.local.emulator.overrides import CODE, PACKAGE, names_of

LIST = CODE / "emulator" / "README.md"
NAMES = names_of()


def listed() -> list[str]:
    return re.findall(r"^\| `([\w.]+)` \|", LIST.read_text(encoding="utf-8"), re.MULTILINE)


def test_each_overridden_name_is_listed_with_its_reason_and_no_other() -> None:
    assert sorted(NAMES.overridden) == sorted(listed())


def test_no_override_has_a_computed_name_that_the_list_cannot_be_compared_with() -> None:
    assert NAMES.dynamic == []


@pytest.mark.parametrize("name", sorted(NAMES.used | NAMES.overridden))
def test_ministack_has(name: str) -> None:
    module, _, attribute = name.rpartition(".")

    assert hasattr(importlib.import_module(f"{PACKAGE}.{module}"), attribute)


def test_assignments_of_every_kind_are_found(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        """
from ministack import app
from ministack.services import ecs, sqs as queues

app.one = app.two = None
app.three, other = 1, 2
ecs.four: int = 1
ecs.five += 1
ecs.six["a"]["b"] = 1
ecs.seven["a"].update(b=1)
queues.eight.pop("a")
del queues.nine["a"]
local = ecs.ten
setattr(ecs, name, None)
""",
        encoding="utf-8",
    )

    names = names_of(tmp_path)

    assert names.overridden == {
        *("app.one", "app.two", "app.three", "services.ecs.four", "services.ecs.five", "services.ecs.six"),
        *("services.ecs.seven", "services.sqs.eight", "services.sqs.nine"),
    }
    assert names.used == names.overridden | {"services.ecs.ten"}
    assert names.dynamic == ["plugin.py: setattr(ecs, name, None)"]
