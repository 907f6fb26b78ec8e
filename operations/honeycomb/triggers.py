"""Plan the triggers. Their recipients are set in Honeycomb, where each team has its own."""

from __future__ import annotations

from typing import Final

from operations.honeycomb.client import Json
from operations.honeycomb.ownership_tag import OwnershipTag
from operations.honeycomb.steps import Run, Step

_SETTINGS: Final = ("tags", "disabled", "evaluation_schedule_type", "evaluation_schedule", "baseline_details")
"""What people set on a trigger in Honeycomb, beside its recipients."""


def trigger_step(key: str, trigger: Json, run: Run) -> Step:
    """Return the step for a declared trigger."""
    declared = dict(trigger)
    query = declared.pop("query")
    if query not in run.query_ids:
        return Step("wait", "trigger", key, f"for the query {query}")
    declared["description"] = OwnershipTag(key).append_to(trigger["description"])
    dataset = run.declared.queries[query].dataset
    existing = run.remote.triggers.get((dataset, key), {})
    return run.step(
        "trigger",
        key,
        f"/1/triggers/{dataset}",
        existing=existing,
        body=lambda: declared | {"query_id": run.query_ids[query].query_id},
        extra=_settings(existing) if existing else {},
        note="" if existing.get("recipients") else "notifies nobody yet: add a recipient in Honeycomb",
    )


def _settings(existing: Json) -> Json:
    settings = {name: existing[name] for name in _SETTINGS if existing.get(name)}
    # By id: the type and target that Honeycomb lists beside it are deprecated in requests.
    recipients = existing.get("recipients") or []
    settings["recipients"] = [{name: each[name] for name in ("id", "details") if each.get(name)} for each in recipients]
    return settings
