"""Read the names of the environments: an import of infra/environments.py would start the CDK's Node process."""

from __future__ import annotations

import ast
from typing import Final

from local.workspace.folders import CHECKOUT

FILE: Final = CHECKOUT / "infra" / "environments.py"


def environment_names() -> list[str]:
    """Return the names of the environments that infra/environments.py assigns at its top level, sorted."""
    statements = ast.parse(FILE.read_text(encoding="utf-8")).body
    values = [each.value for each in statements if isinstance(each, ast.Assign | ast.AnnAssign)]
    keywords = [keyword for each in values if isinstance(each, ast.Call) for keyword in each.keywords]
    names = [each.value for each in keywords if each.arg == "name"]
    return sorted(each.value for each in names if isinstance(each, ast.Constant) and isinstance(each.value, str))
