"""Write the runbook's entry of every cause: the message of `make verify` with example values, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.diagnosis.cause import Cause
from operations.diagnosis.causes import ORDER

BEGIN: Final = "<!-- the causes of make verify, by python -m operations.diagnosis -->"
END: Final = "<!-- end of the causes -->"


def entries() -> str:
    """Return the entries as Markdown, in the order in which causes are looked for."""
    return "\n".join(line for module in ORDER for line in _entry(module.CAUSE))


def with_entries(document: str) -> str:
    """Return the runbook with the entries between the two marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{entries()}\n{END}{after}"


def _entry(cause: Cause) -> Iterator[str]:
    yield f"### {cause.title}"
    yield ""
    yield f"> {cause.meaning.format(**cause.example)}."
    yield ""
    yield f"- **Remedy:** {cause.general_remedy or cause.remedy.format(**cause.example)}."
    yield f"- **Evidence:** {cause.evidence}."
    yield ""
