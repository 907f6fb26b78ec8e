"""Infrastructure and service share the contract, and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.assembly import ROOT

SOURCES = [ROOT / "app.py", ROOT / "deploy_roles.py", *sorted((ROOT / "infra").glob("*.py"))]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_of_the_service_only_the_contract_is_imported(path: Path) -> None:
    assert {name for name in imports(path) if name.split(".")[0] == "service"} <= {"flask_onetrace.contract"}
