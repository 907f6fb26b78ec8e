"""Write a verification as Markdown, for pull requests and the summary of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from operations.deploy.plain_text import one_line
from operations.diagnosis.cause import Diagnosis
from operations.verification.document import Verification
from operations.verification.report import (
    arrived_text,
    delay_text,
    link_text,
    same_id_text,
    sample_rate_text,
    success,
)


def markdown(verification: Verification) -> str:
    """Return the outcome with its table; what arrived over the network is escaped."""
    return "\n".join(_lines(verification)) + "\n"


def _lines(verification: Verification) -> Iterator[str]:
    mark = "❌" if verification.has_failed else "✅"
    yield f"### {mark} `make verify` of {_text(verification.name)}"
    yield ""
    yield f"{_text(verification.url)} {_text(verification.version)}".strip()
    yield ""
    yield from _table(
        ("Request", "Status", "Trace id"),
        [
            (f"{each.kind}: {each.exchange.method} {each.exchange.path}", each.exchange.status, each.exchange.trace_id)
            if each.exchange
            else (each.kind.value, f"skipped: {each.skipped}", "")
            for each in verification.results
        ],
    )
    yield from _table(
        ("Place", "Arrived", "Same id", "After", "Sample rate", "Link"),
        [
            (
                row.place.label,
                arrived_text(row),
                same_id_text(row),
                delay_text(row),
                sample_rate_text(row),
                link_text(row),
            )
            for row in verification.rows
        ],
    )
    yield from (f"- {_text(failure)}" for failure in verification.failures)
    for diagnosis in (*verification.causes, *verification.notes):
        yield from _diagnosis(diagnosis)
    if verification.has_failed:
        yield from (f"- could not check {_text(line)}" for line in verification.unchecked)
    else:
        yield success(verification)


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    yield ""
    label = "Note" if diagnosis.is_intended else "Cause"
    yield f"**{label}: {_text(diagnosis.cause.title)}.** {_text(diagnosis.message)}."
    yield ""
    yield f"Remedy: {_text(diagnosis.remedy)}. See `{diagnosis.cause.anchor}`."
    yield ""


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(_text('' if cell is None else str(cell)) for cell in row)} |"
    yield ""


def _text(text: str) -> str:
    """Return one line that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>|#!~@])", r"\\\1", one_line(text))
