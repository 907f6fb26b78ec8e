"""Collect the saved queries of a local deployment."""

from __future__ import annotations

from flask_onetrace.contract import Output
from infra.names import Names
from local.queries.cloudwatch import cloudwatch_queries
from local.queries.honeycomb import honeycomb_queries
from local.queries.saved_query import SavedQuery
from local.queries.xray import xray_queries
from local.workspace.state import State
from operations.traces.deployment import AwsClients


def saved_queries(aws: AwsClients, state: State, names: Names) -> list[SavedQuery]:
    """Return the queries of what is deployed, in the order in which `make ask` runs them."""
    ports = state.fake_ports
    return [
        *cloudwatch_queries(aws.logs, state.outputs[Output.LOG_GROUP], names.query_folder),
        *xray_queries(aws.xray),
        *([] if ports is None else honeycomb_queries(ports.honeycomb, names)),
    ]
