"""Create and change the triggers. Their recipients are set in Honeycomb, where each team has its own."""

from __future__ import annotations

from typing import Final

from operations.honeycomb.client import Json
from operations.honeycomb.ownership_tag import OwnershipTag
from operations.honeycomb.writer import Writer

_SETTINGS: Final = ("tags", "disabled", "evaluation_schedule_type", "evaluation_schedule", "baseline_details")
"""The fields of a trigger that are set in Honeycomb, in addition to its recipients."""


def apply_trigger(tag: OwnershipTag, trigger: Json, dataset: str, existing: Json, writer: Writer) -> None:
    """Apply a declared trigger on a query of `dataset`; `existing` is empty where there is none."""
    body = dict(trigger)
    query = body.pop("query")
    if query not in writer.query_ids:
        writer.step("wait", "trigger", tag.key, f"for the query {query}")
        return
    body["query_id"] = writer.query_ids[query].query_id
    body["description"] = tag.append_to(trigger["description"])
    settings = {name: existing[name] for name in _SETTINGS if existing.get(name)}
    if recipients := existing.get("recipients"):
        # By id: the type and target that Honeycomb lists beside it are deprecated in requests.
        fields = ("id", "details")
        settings["recipients"] = [{name: each[name] for name in fields if each.get(name)} for each in recipients]
    note = "" if recipients else "notifies nobody yet: add a recipient in Honeycomb"
    path = f"/1/triggers/{dataset}"
    writer.upsert("trigger", tag.key, path, existing=existing, body=body, extra=settings, note=note)
