"""Write the policy that `make verify` needs as the docs have it: a table in docs/verify.md, JSON in README.md."""

from __future__ import annotations

import json
from typing import Final

from infra import environment_names
from infra.application import DEFAULT_FOLDER
from infra.application_file import load
from infra.names import Names
from infra.verify_policy import ANY, grants, policy_document

TABLE: Final = "docs/verify.md"
DOCUMENT: Final = "README.md"
BEGIN: Final = "<!-- the policy of make verify, by python -m operations.diagnosis -->"
END: Final = "<!-- end of the policy -->"


def table() -> str:
    """Return the actions that are granted for the sample application's `dev`, as Markdown."""
    lines = ["| Action | On | What it reads |", "|---|---|---|"]
    for grant in grants(_names()):
        actions = ", ".join(f"`{each}`" for each in grant.actions)
        resources = ", ".join(f"`{each}`" for each in grant.resources if each != ANY)
        clusters = f"`*`, of clusters `{grant.clusters}`" if grant.clusters else ""
        lines.append(f"| {actions} | {resources or clusters or '`*`: it takes no resource'} | {grant.reads} |")
    return "\n".join(lines)


def document() -> str:
    """Return the policy of the sample application's `dev`, a statement on each line, as Markdown."""
    policy = policy_document(_names(), partition="aws", region="eu-central-1", account="123456789012")
    statements = ",\n    ".join(map(json.dumps, policy["Statement"]))
    version = json.dumps(policy["Version"])
    return f'```json\n{{\n  "Version": {version},\n  "Statement": [\n    {statements}\n  ]\n}}\n```'


def with_table(page: str) -> str:
    """Return the page with the table between the two marks."""
    return _between(page, table())


def with_document(page: str) -> str:
    """Return the page with the policy between the two marks."""
    return _between(page, document())


def _names() -> Names:
    return Names(load(DEFAULT_FOLDER), environment_names.DEV)


def _between(page: str, text: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
