"""Serve the sections of the page "Stack" as JSON, each by itself: one that cannot be read costs no other."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, jsonify, request

from local.console.stack.load_balancer import load_balancer
from local.console.stack.queries import query_list, run_query
from local.console.stack.sampling import sampling
from local.console.stack.secrets import secrets
from local.console.stack.service import service
from local.console.stack.source import Section, StackSource
from local.console.stack.stacks import stacks
from local.console.stack.telemetry import alarms, log_groups, xray_groups
from operations.errors import OperatorError

SECTIONS: Final[dict[str, Section]] = {
    "stacks": stacks,
    "service": service,
    "load-balancer": load_balancer,
    "sampling": sampling,
    "log-groups": log_groups,
    "xray-groups": xray_groups,
    "secrets": secrets,
    "alarms": alarms,
    "queries": query_list,
}


def blueprint(source: StackSource) -> Blueprint:
    """Return the routes below /api/stack/."""
    api = Blueprint("stack", __name__)

    @api.get("/<name>")
    def section(name: str) -> Response:
        if name not in SECTIONS:
            raise OperatorError(f"The stack has no section {name[:40]!r}", f"Ask for one of {', '.join(SECTIONS)}")
        return jsonify(SECTIONS[name](source))

    @api.post("/queries")
    def run() -> Response:
        try:
            body = request.get_json(silent=True)
        except RecursionError:  # which Flask does not take for malformed JSON
            body = None
        if not isinstance(body, dict):
            raise OperatorError("The body is no JSON object", "Send key, and for a query about a trace trace_id")
        return jsonify(run_query(source, body.get("key"), body.get("trace_id")))

    return api
