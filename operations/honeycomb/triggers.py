"""Keep the triggers as they are declared; whom they tell is set in Honeycomb, where each team has its recipients."""

from __future__ import annotations

from typing import Any, Final

from operations.honeycomb.client import Honeycomb
from operations.honeycomb.declarations import Trigger
from operations.honeycomb.ownership_tag import Marker
from operations.honeycomb.remote_state import Found, Thing
from operations.honeycomb.steps import Pairs, Step, Verb, Write

KEPT: Final = ("tags", "disabled", "evaluation_schedule_type", "evaluation_schedule", "baseline_details")
"""What people set on a trigger beside what is declared, and its recipients: a change keeps it."""

_KIND = "trigger"
_TELLS_NOBODY = "it tells nobody yet, so add a recipient to it in Honeycomb"


def step(trigger: Trigger, dataset: str, found: Found, pairs: Pairs) -> Step:
    """Return what becomes of `trigger`, whose query is one of `dataset`."""
    there = found.triggers.get((dataset, trigger.key))
    if trigger.query not in pairs:
        return Step(Verb.WAIT, _KIND, trigger.key, f"for the query {trigger.query}")
    if there is None:
        return Step(Verb.CREATE, _KIND, trigger.key, _TELLS_NOBODY, _making(trigger, dataset))
    differing = _differing(there, _wanted(trigger, pairs))
    if not differing:
        return Step(Verb.LEAVE, _KIND, trigger.key, "" if there.get("recipients") else _TELLS_NOBODY)
    return Step(Verb.CHANGE, _KIND, trigger.key, f"its {', '.join(differing)}", _changing(trigger, dataset, there))


def _wanted(trigger: Trigger, pairs: Pairs) -> dict[str, Any]:
    return {
        "name": trigger.name,
        "description": Marker(trigger.key).below(trigger.description),
        "query_id": pairs[trigger.query].query_id,
        "threshold": dict(trigger.threshold),
        "frequency": trigger.frequency,
        "alert_type": trigger.alert_type,
    }


def _differing(there: Thing, wanted: dict[str, Any]) -> list[str]:
    """Return the names of what differs, as people say them."""
    return [name.removesuffix("_id").replace("_", " ") for name in wanted if there.get(name) != wanted[name]]


def _making(trigger: Trigger, dataset: str) -> Write:
    def write(honeycomb: Honeycomb, pairs: Pairs) -> None:
        honeycomb.make(f"/1/triggers/{dataset}", _wanted(trigger, pairs))

    return write


def _changing(trigger: Trigger, dataset: str, there: Thing) -> Write:
    kept = {name: there[name] for name in KEPT if there.get(name)}
    # By id alone: the type and target that are listed beside it are deprecated in requests.
    recipients = [
        {name: each[name] for name in ("id", "details") if each.get(name)} for each in there.get("recipients") or []
    ]

    def write(honeycomb: Honeycomb, pairs: Pairs) -> None:
        body = {**kept, "recipients": recipients, **_wanted(trigger, pairs)}
        honeycomb.put(f"/1/triggers/{dataset}/{there['id']}", body)

    return write
