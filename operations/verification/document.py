"""Represent the outcome of a verification, which is printed as text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from operations.diagnosis.cause import Diagnosis
from operations.traces.document import Place
from operations.verification.arrivals import Arrival, State
from operations.verification.sending import ProbeResult


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """What a place has of all requests. `note` says why it is off or not checked, `url` opens one of them there."""

    place: Place
    arrivals: Sequence[Arrival] = ()
    state: State | None = None
    """`OFF` or `NOT_CHECKED` for the whole place, None where the requests were searched."""
    note: str = ""
    url: str | None = None

    @property
    def awaited(self) -> Sequence[Arrival]:
        """Return the requests that it has to have."""
        return [each for each in self.arrivals if each.state in {State.ARRIVED, State.MISSING}]

    @property
    def missing(self) -> Sequence[Arrival]:
        """Return those that it has not."""
        return [each for each in self.arrivals if each.state is State.MISSING]

    @property
    def error(self) -> str:
        """Return why the place cannot be read though it is configured, empty where it can."""
        notes = [each.note for each in self.arrivals if each.state is State.NOT_CHECKED]
        return notes[0] if notes else ""

    @property
    def same_id(self) -> bool | None:
        """Return whether all that arrived has the id of its response, None where nothing has arrived."""
        values = [each.same_id for each in self.arrivals if each.state is State.ARRIVED]
        return all(values) if values else None

    @property
    def delays(self) -> Sequence[float]:
        """Return the seconds after which each request was there, the least first."""
        return sorted(each.delay for each in self.arrivals if each.delay is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The outcome. `problems` are responses that are not as they have to be, each a sentence."""

    url: str
    name: str
    """Of the deployment, for people: `Cruddur dev`."""
    version: str = ""
    results: Sequence[ProbeResult] = ()
    rows: Sequence[PlaceRow] = ()
    problems: Sequence[str] = ()
    diagnoses: Sequence[Diagnosis] = ()
    unchecked: Sequence[str] = field(default=())
    """What could not be checked, and why: of interest where something is wrong."""

    @property
    def failures(self) -> Sequence[str]:
        """Return what is wrong, a sentence for each."""
        places = [
            f"{row.place.label} lacks {counted([each.kind for each in row.missing], len(row.awaited))}"
            for row in self.rows
            if row.missing
        ]
        unread = [f"{row.place.label} cannot be read: {row.error}" for row in self.rows if row.error]
        other_ids = [f"{row.place.label} has another trace id" for row in self.rows if row.same_id is False]
        return [*self.problems, *places, *unread, *other_ids]

    @property
    def causes(self) -> Sequence[Diagnosis]:
        """Return the causes of what is wrong."""
        return [each for each in self.diagnoses if not each.is_intended]

    @property
    def notes(self) -> Sequence[Diagnosis]:
        """Return what is as the deployment wants it, and keeps a place empty."""
        return [each for each in self.diagnoses if each.is_intended]

    @property
    def has_failed(self) -> bool:
        """Return whether the exit status is not zero."""
        return bool(self.failures or self.causes)

    def as_json(self) -> dict[str, Any]:
        """Return the document of `make verify` in JSON (docs/verify.md)."""
        return {
            "url": self.url,
            "deployment": self.name,
            "version": self.version,
            "ok": not self.has_failed,
            "requests": [_request(each) for each in self.results],
            "places": [_row(each) for each in self.rows],
            "failures": list(self.failures),
            "diagnoses": [each.as_json() for each in self.diagnoses],
            "unchecked": list(self.unchecked),
        }


def counted(missing: Sequence[str], total: int) -> str:
    """Return `the failing request`, `2 of the 5 requests: ok, slow`, or `all 5 requests`."""
    if len(missing) == total:
        return f"the {missing[0]} request" if total == 1 else f"all {total} requests"
    return f"{len(missing)} of the {total} requests: {', '.join(missing)}"


def _request(result: ProbeResult) -> dict[str, Any]:
    exchange = result.exchange
    if exchange is None:
        return {"kind": result.kind.value, "skipped": result.skipped}
    return {
        "kind": result.kind.value,
        "method": exchange.method,
        "path": exchange.path,
        "status": exchange.status,
        "expected_status": exchange.expected_status,
        "trace_id": exchange.trace_id,
        "seconds": round(exchange.received_at - exchange.sent_at, 4),
        "attempts": result.attempts,
        "sampled": result.was_sampled,
        "error": exchange.error or None,
    }


def _row(row: PlaceRow) -> dict[str, Any]:
    return {
        "place": row.place.value,
        "state": row.state.value if row.state else (State.MISSING if row.missing else State.ARRIVED).value,
        "note": row.note,
        "same_id": row.same_id,
        "url": row.url,
        "requests": [
            {
                "kind": each.kind.value,
                "trace_id": each.trace_id,
                "state": each.state.value,
                "delay_seconds": None if each.delay is None else round(each.delay, 3),
                "same_id": each.same_id,
                "sample_rate": each.sample_rate,
                "note": each.note,
            }
            for each in row.arrivals
        ],
    }
