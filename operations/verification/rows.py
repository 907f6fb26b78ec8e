"""Search every place that is on and can be read, and return a row for each place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask_onetrace.contract import TRACE_ID_FIELD
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Observed
from operations.traces.document import Place
from operations.traces.find import url_of
from operations.verification.arrivals import Arrival, Search, State, search_all
from operations.verification.document import PlaceRow
from operations.verification.search_hints import not_read
from operations.verification.sending import ProbeResult
from operations.verification.subject import Subject, smoke_test_of


def rows_of(
    subject: Subject,
    evidence: Evidence,
    probe_results: Sequence[ProbeResult],
    wait: float,
    progress: Callable[[Arrival], None],
) -> list[PlaceRow]:
    """Return a row for each place; those that are on and can be read are searched in parallel, for `wait` seconds."""
    rows: dict[Place, PlaceRow] = {}
    searches: list[Search] = []
    unsampled: dict[Place, list[Arrival]] = {}
    for place in Place:
        expected = [
            each for each in probe_results if each.exchange and each.exchange.trace_id and place in _places(each)
        ]
        if (reason := _off(evidence.observed, place)) is not None:
            rows[place] = PlaceRow(place=place, state=State.OFF, note=reason)
        elif not expected:
            rows[place] = PlaceRow(place=place, state=State.NOT_CHECKED, note="no request was answered that it gets")
        elif (reason := not_read(subject.deployment, place, _an_id(expected))) is not None:
            rows[place] = PlaceRow(place=place, state=State.NOT_CHECKED, note=reason)
        elif subject.deployment is not None:
            unsampled[place] = [
                _unsampled(each, place, evidence, subject) for each in expected if _is_unsampled(each, place)
            ]
            searchable = [each for each in expected if not _is_unsampled(each, place)]
            searches.append(
                Search(deployment=subject.deployment, place=place, results=searchable, wait=wait, progress=progress)
            )
    results = search_all(searches)
    for place, others in unsampled.items():
        arrivals = [*(each for each in results if each.place is place), *others]
        rows[place] = PlaceRow(place=place, arrivals=arrivals, url=_url(subject, place, arrivals))
    return [rows[place] for place in Place]


def _an_id(expected: Sequence[ProbeResult]) -> str:
    """Return the trace id of the first request that a place has to have."""
    return next(each.exchange.trace_id for each in expected if each.exchange)


def _url(subject: Subject, place: Place, arrivals: Sequence[Arrival]) -> str | None:
    """Return where to look at the first request that is missing, else at the first one."""
    ordered = sorted(arrivals, key=lambda each: each.state is not State.MISSING)
    if subject.deployment is None or not ordered:
        return None
    url = url_of(subject.deployment, place, ordered[0].trace_id, ordered[0].items)
    return url or subject.trace_url.replace(TRACE_ID_FIELD, ordered[0].trace_id) or None


def _places(result: ProbeResult) -> Sequence[Place]:
    return result.probe.places if result.probe is not None and result.exchange and result.exchange.is_expected else ()


def _off(observed: Observed, place: Place) -> str | None:
    status = observed.of_place(place)
    return str(status.get("because", "")) if status.get("on") is False else None


def _is_unsampled(result: ProbeResult, place: Place) -> bool:
    return result.was_sampled is False and place in {Place.HONEYCOMB, Place.XRAY}


def _unsampled(result: ProbeResult, place: Place, evidence: Evidence, subject: Subject) -> Arrival:
    """Return what became of a request that was not sampled: it is missing where none of its kind ever is."""
    state = State.NOT_SAMPLED if can_be_sampled(evidence, subject) else State.MISSING
    trace_id = result.exchange.trace_id if result.exchange else ""
    return Arrival(place=place, kind=result.kind, trace_id=trace_id, state=state, note="not sampled by the rule")


def can_be_sampled(evidence: Evidence, subject: Subject) -> bool:
    """Return whether a rule samples some requests of the smoke test; True where that is not known."""
    rule = evidence.rule_of(smoke_test_of(subject).path)
    return rule is None or rule.fixed_rate > 0 or rule.reservoir > 0
