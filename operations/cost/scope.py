"""State what holds of a whole estimate: what was measured and assumed, and what is billed and not in the sum."""

from __future__ import annotations

import math
import re
from typing import Final

from flask_onetrace.contract import Variable
from operations.cost import routes, telemetry
from operations.cost.context import Context
from operations.cost.money import counted
from operations.cost.scaling import Scaling
from operations.cost.units import MILLION

_COGNITO: Final = "authenticate-cognito"
_BALANCER: Final = "AWS::ElasticLoadBalancingV2"
_RESOLVED: Final = re.compile(r"\{\{resolve:secretsmanager:([^:}]+)")
"""A dynamic reference to a secret ("Get a secret or secret value from Secrets Manager", AWS CloudFormation)."""


def state(context: Context, *, free_tier: bool) -> None:
    """Add to the notes of an estimate what no resource of its own does."""
    _assumptions(context, free_tier=free_tier)
    _unknown(context, free_tier=free_tier)


def _assumptions(context: Context, *, free_tier: bool) -> None:
    assume, measured = context.notes.assume, context.measured
    assume(
        f"As measured on {measured.measured_on} (bench/request_bytes), a request and its response have "
        f"{measured.request:,.0f} bytes, {measured.response:,.0f} of them the response, and {measured.log_lines:g} log "
        f"lines of {measured.log_line:,.0f} bytes; one that is sampled has {measured.spans:g} spans; a vCPU serves "
        f"{measured.requests_per_vcpu:,.0f} requests/s. A GB has 2^30 bytes."
    )
    for each in context.scalings.values():
        per_task = each.requests_per_task(measured.requests_per_vcpu)
        runs = f"{each.service.logical_id} runs {counted(context.tasks(each.service), 'task')}"
        most = "any number" if context.without_maximum else format(each.maximum, "g")
        if each.takes_requests and math.isfinite(per_task):
            assume(f"{runs}: one for each {per_task:,.0f} requests/s by its policies, from {each.minimum:g} to {most}.")
        else:
            assume(f"{runs}: no target tracking policy scales it by requests or CPU.")
    if routes.reaches_internet(context):
        assume("The keys of Honeycomb and Rollbar are set: their sinks are on.")
    if free_tier:
        assume("Nothing else in the account uses its free allowances, which are taken off.")


def _unknown(context: Context, *, free_tier: bool) -> None:
    leave_out, templates = context.notes.leave_out, context.templates
    if routes.reaches_internet(context):
        spans = telemetry.honeycomb_requests(context) * context.measured.spans
        leave_out(f"Honeycomb's plan: it gets {spans / MILLION:,.1f} million events a month.")
        leave_out(f"Rollbar's plan: it gets {telemetry.rollbar_items(context):,.0f} items a month.")
        if context.application and context.application.flag(Variable.BROWSER_RELAY, default=False):
            leave_out("Spans of browsers, which the relay takes as requests and sends on to Honeycomb.")
    leave_out(f"Queries of Logs Insights{context.unit_price('logs-scanned-gb', 'GB that they scan')}.")
    leave_out(f"Traces that are searched or read{context.unit_price('xray-retrieved-million', 'million')}.")
    leave_out(f"Images in ECR{context.unit_price('ecr-storage-gb-month', 'GB-month')}, and pulling them through NAT.")
    leave_out("Headers of TCP and IP, and TLS, in data out and through NAT gateways.")
    others = [each.service.logical_id for each in context.scalings.values() if not _is_application(context, each)]
    if others:
        leave_out(f"What {', '.join(others)} log, trace and send out.")
    leave_out("Metrics of dropped telemetry, in the hours in which a sink drops.")
    leave_out("Taxes, AWS Support, and the discount of Savings Plans.")
    if not free_tier:
        leave_out("The free allowances of an account: none is taken off.")
    if not any(templates.of_type("AWS::EC2::VPC")):
        leave_out("NAT gateways and endpoints of the VPC, which is in no stack here.")
    if any(templates.of_type("AWS::Route53::RecordSet")):
        leave_out("The hosted zone of the domain.")
    if secrets := _secrets_from_elsewhere(context):
        each = context.unit_price("secret-month", "month each")
        leave_out(f"Secrets that are in no stack here: {', '.join(sorted(secrets))}{each}.")
    if any(_COGNITO in str(each.properties) for each in templates.of_type(f"{_BALANCER}::Listener")):
        leave_out("Users who log in by Cognito, whom the user pool bills by the month.")


def _is_application(context: Context, scaling: Scaling) -> bool:
    return context.application is not None and context.application.service is scaling.service


def _secrets_from_elsewhere(context: Context) -> set[str]:
    """Return the secrets that listeners, subscriptions and containers read and no stack here creates."""
    templates = context.templates
    readers = templates.of_type(f"{_BALANCER}::Listener", f"{_BALANCER}::ListenerRule", "AWS::SNS::Subscription")
    resolved = {name for each in readers for name in _RESOLVED.findall(str(each.properties))}
    named = {
        variable
        for container in context.containers
        for variable, source in container.secrets.items()
        if templates.referred(source) is None
    }
    return resolved | named
