"""Evidence of a healthy deployment, and each fact that can be broken in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import (
    Clocks,
    Container,
    ContainerDefinition,
    Exchange,
    Group,
    Missing,
    Observed,
    Service,
    Target,
    Task,
    TaskDefinition,
)
from operations.traces.document import Place
from operations.traces.reports import Report
from operations.traces.sampling import Rule

Facts = dict[str, Any]

URL = "http://shop-123.eu-central-1.elb.amazonaws.com"
REGION = "eu-central-1"
GROUP = "Shop-dev-shop"
ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:7"
OTHER_ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:8"
LOGS_REMEDY = "allow the task role logs:PutLogEvents and logs:CreateLogStream on the log group"
ON = {"on": True}
KINDS = ("ok", "slow", "failing", "browser", "caller")
NOW = 1_800_000_000.0


def trace_id(number: int) -> str:
    return f"{number:032x}"


def healthy() -> Facts:
    """Return the facts of a deployment without a fault: every request arrived everywhere."""
    exchanges = [
        Exchange(
            kind=kind,
            path="/_onetrace/fault" if kind == "failing" else "/",
            expected_status=500 if kind == "failing" else 200,
            status=500 if kind == "failing" else 200,
            trace_id=trace_id(number),
            headers={"server": "shop"},
            sent_at=NOW,
            received_at=NOW + 0.1,
        )
        for number, kind in enumerate(KINDS, start=1)
    ]
    observed = Observed(
        url=URL,
        exchanges=exchanges,
        arrived={place: [{"name": "shop-dev"}] for place in Place},
        sampled={each.trace_id: True for each in exchanges},
        health={
            "status": "ok",
            "version": "v2",
            "environment": "dev",
            "sinks": dict.fromkeys(("honeycomb", "xray", "cloudwatch", "rollbar"), ON),
        },
        expected_version="v2",
        expected_environment="dev",
    )
    serving = definition(ARN)
    return {
        "observed": observed,
        "region": REGION,
        "outputs": {"Service": "shop-service", "Cluster": "shop-cluster", "LogGroup": GROUP},
        "log_group": GROUP,
        "own_rule": "Shop-dev",
        "own_service": "shop-dev",
        "container_name": "shop",
        "service": Service(definition=ARN, desired=1, running=1, rollout="COMPLETED"),
        "serving": serving,
        "declared": serving,
        "tasks": [task()],
        "targets": [Target(id="10.0.0.1:4567", state="healthy")],
        "denied": frozenset(),
        "reports": [],
        "has_log_lines": True,
        "daemon_output": [],
        "log_groups": [GROUP],
        "rules": [rule(), Rule(name="Default", priority=10000, fixed_rate=0.05, reservoir=1)],
        "groups": [Group(name="Shop-dev", expression='service("shop-dev")')],
        "destination": "XRay",
        "indexed_percent": None,
        "clocks": Clocks(machine=0.2, task=-0.4),
        "honeycomb_hosts": [],
        "waited": 15.0,
    }


def evidence(facts: Facts) -> Evidence:
    facts = dict(facts)
    return Evidence.of(facts.pop("observed"), **facts)


def rule(**changes: Any) -> Rule:  # noqa: ANN401 - any field
    return replace(Rule(name="Shop-dev", priority=9000, fixed_rate=0.1, reservoir=5, service="shop-dev"), **changes)


def definition(arn: str, variables: Mapping[str, str] | None = None, *, sidecar: bool = True) -> TaskDefinition:
    shop = ContainerDefinition(
        name="shop",
        variables={
            "SERVICE_VERSION": "v2",
            "AWS_REGION": REGION,
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
            "CLOUDWATCH_LOG_GROUP": GROUP,
            "OTEL_SDK_DISABLED": "false",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.honeycomb.io",
            "ROLLBAR_ENDPOINT": "https://api.rollbar.com/api/1/",
            **(variables or {}),
        },
        secrets={"HONEYCOMB_API_KEY": "arn:1", "ROLLBAR_ACCESS_TOKEN": "arn:2"},
    )
    daemon = ContainerDefinition(name=XRAY_DAEMON_CONTAINER_NAME, variables={"AWS_REGION": REGION})
    containers = {each.name: each for each in (shop, *([daemon] if sidecar else []))}
    return TaskDefinition(arn=arn, containers=containers, task_role="arn:aws:iam::123456789012:role/shop-task")


def task(sidecar: Container | None = None) -> Task:
    daemon = sidecar or Container(name=XRAY_DAEMON_CONTAINER_NAME, status="RUNNING")
    return Task(
        id="3f2a",
        definition=ARN,
        status="RUNNING",
        started=NOW - 60,
        containers=[Container(name="shop", status="RUNNING"), daemon],
    )


def missing(facts: Facts, *places: Place) -> None:
    """Have places miss every request that they have to have."""
    observed: Observed = facts["observed"]
    kinds = {
        place: [each for each in observed.exchanges if place is not Place.ROLLBAR or each.kind == "failing"]
        for place in places
    }
    facts["observed"] = replace(
        observed,
        missing={
            **observed.missing,
            **{place: [Missing(kind=each.kind, trace_id=each.trace_id) for each in kinds[place]] for place in places},
        },
        arrived={place: items for place, items in observed.arrived.items() if place not in places},
    )


def observe(facts: Facts, **changes: Any) -> None:  # noqa: ANN401 - any field
    facts["observed"] = replace(facts["observed"], **changes)


def answer(facts: Facts, **changes: Any) -> None:  # noqa: ANN401 - any field
    """Have every request answered in another way."""
    observe(facts, exchanges=[replace(each, **changes) for each in facts["observed"].exchanges], missing={}, arrived={})


def sink(facts: Facts, name: str, because: str) -> None:
    health = facts["observed"].health
    sinks = {**health["sinks"], name: {"on": False, "because": because}}
    observe(facts, health={**health, "sinks": sinks})


def report(facts: Facts, name: str, kind: str, reason: str, count: int = 0) -> None:
    facts["reports"] = [*facts["reports"], Report(sink=name, kind=kind, reason=reason, at=NOW, count=count)]


def run(facts: Facts, changed: TaskDefinition, *, stack_too: bool = False) -> None:
    """Have the service run another task definition."""
    facts["serving"] = changed
    facts["service"] = replace(facts["service"], definition=changed.arn)
    if stack_too:
        facts["declared"] = changed


def unsampled(facts: Facts) -> None:
    """Have no successful request sampled."""
    observed: Observed = facts["observed"]
    lost = [each for each in observed.exchanges if each.kind in {"ok", "browser", "caller"}]
    observe(
        facts,
        sampled={**observed.sampled, **{each.trace_id: False for each in lost}},
        missing={
            place: [Missing(kind=each.kind, trace_id=each.trace_id) for each in lost]
            for place in (Place.HONEYCOMB, Place.XRAY)
        },
    )


def no_response(facts: Facts) -> None:
    answer(facts, status=None, trace_id="", error="gaierror: Name or service not known")
    observe(facts, health=None)


def no_healthy_target(facts: Facts) -> None:
    answer(facts, status=503, trace_id="", headers={"server": "awselb/2.0"})
    observe(facts, health=None)
    facts["targets"] = [
        Target(id="10.0.0.1:4567", state="unhealthy", reason="Health checks failed with these codes: [500]")
    ]


def stopped_target(facts: Facts) -> None:
    no_healthy_target(facts)
    answer(facts, status=502, trace_id="", headers={"server": "awselb/2.0"})
    facts["targets"] = [Target(id="10.0.0.1:4567", state="healthy")]


def no_target(facts: Facts) -> None:
    no_healthy_target(facts)
    facts["targets"] = []


def another_service(facts: Facts) -> None:
    answer(facts, trace_id="", headers={"server": "nginx"})
    observe(facts, health=None)


def another_environment(facts: Facts) -> None:
    observe(facts, health={**facts["observed"].health, "environment": "prod"})


def old_task(facts: Facts) -> None:
    observe(facts, health={**facts["observed"].health, "version": "v1"})


def machine_clock(facts: Facts) -> None:
    facts["clocks"] = Clocks(machine=-90.0, task=0.1)


def task_clock(facts: Facts) -> None:
    facts["clocks"] = Clocks(machine=0.1, task=3600.0)
    missing(facts, Place.XRAY, Place.CLOUDWATCH)
    report(
        facts,
        "cloudwatch",
        "unauthorized",
        f"https://logs answered 400 InvalidSignatureException: {LOGS_REMEDY}",
    )


def sdk_disabled(facts: Facts) -> None:
    run(facts, definition(OTHER_ARN, {"OTEL_SDK_DISABLED": "true"}))
    for name in ("honeycomb", "xray"):
        sink(facts, name, "OTEL_SDK_DISABLED is true")


def endpoint_overridden(facts: Facts) -> None:
    run(facts, definition(OTHER_ARN, {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://otel.example.com"}))
    missing(facts, Place.HONEYCOMB)
    report(facts, "honeycomb", "unreachable", "gaierror: Name or service not known")


def turned_off(variable: str, name: str) -> Callable[[Facts], None]:
    def break_it(facts: Facts) -> None:
        run(facts, definition(OTHER_ARN, {variable: ""}))
        sink(facts, name, f"{variable} is not set")

    return break_it


def unusable(variable: str, name: str, value: str | None, *, stack_too: bool = False) -> Callable[[Facts], None]:
    """Have a value that cannot be used turn a sink off: `value`, or None where it comes from a secret."""

    def break_it(facts: Facts) -> None:
        changed = definition(OTHER_ARN, {variable: value or ""})
        if value is None:
            shop = changed.containers["shop"]
            plain = {name: text for name, text in shop.variables.items() if name != variable}
            shop = replace(shop, variables=plain, secrets={**shop.secrets, variable: "arn:3"})
            changed = replace(changed, containers={**changed.containers, "shop": shop})
        run(facts, changed, stack_too=stack_too)
        observe(facts, health={**facts["observed"].health, "unusable_variables": [variable]})
        sink(facts, name, f"{variable} cannot be used")

    return break_it


def honeycomb_placeholder(facts: Facts) -> None:
    sink(facts, "honeycomb", "HONEYCOMB_API_KEY still holds its placeholder: run `make secrets`")


def rollbar_placeholder(facts: Facts) -> None:
    sink(facts, "rollbar", "ROLLBAR_ACCESS_TOKEN still holds its placeholder: run `make secrets`")


def rule_gone(facts: Facts) -> None:
    facts["rules"] = facts["rules"][1:]


def rule_gone_and_unsampled(facts: Facts) -> None:
    rule_gone(facts)
    unsampled(facts)


def rule_of_nothing(facts: Facts) -> None:
    facts["rules"] = [Rule(name="Nothing", priority=1, fixed_rate=0.0, reservoir=0), *facts["rules"]]
    unsampled(facts)


def rule_of_nothing_that_is_not_fetched_yet(facts: Facts) -> None:
    facts["rules"] = [Rule(name="Nothing", priority=1, fixed_rate=0.0, reservoir=0, path="/*"), *facts["rules"]]


def sidecar_in_another_region(facts: Facts) -> None:
    changed = definition(ARN)
    daemon = replace(changed.containers[XRAY_DAEMON_CONTAINER_NAME], variables={"AWS_REGION": "us-east-1"})
    run(facts, replace(changed, containers={**changed.containers, daemon.name: daemon}), stack_too=True)
    missing(facts, Place.XRAY)


def service_in_another_region(facts: Facts) -> None:
    run(facts, definition(OTHER_ARN, {"AWS_REGION": "us-east-1"}))
    missing(facts, Place.CLOUDWATCH)
    report(facts, "cloudwatch", "unreachable", f"ConnectionError: log group {GROUP} not found: deploy the stack")


def no_sidecar(facts: Facts) -> None:
    run(facts, definition(OTHER_ARN, sidecar=False))
    missing(facts, Place.XRAY)
    report(facts, "xray", "unreachable", "ConnectionRefusedError: [Errno 111] Connection refused")


def daemon_elsewhere(facts: Facts) -> None:
    run(facts, definition(OTHER_ARN, {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2001"}))
    missing(facts, Place.XRAY)
    report(facts, "xray", "unreachable", "ConnectionRefusedError: [Errno 111] Connection refused")


def sidecar_ended(exit_code: int | None, reason: str = "", status: str = "STOPPED") -> Callable[[Facts], None]:
    def break_it(facts: Facts) -> None:
        container = Container(name=XRAY_DAEMON_CONTAINER_NAME, status=status, exit_code=exit_code, reason=reason)
        facts["tasks"] = [task(container)]
        missing(facts, Place.XRAY)
        report(facts, "xray", "unreachable", "ConnectionRefusedError: [Errno 111] Connection refused")

    return break_it


def transaction_search(facts: Facts) -> None:
    facts["destination"], facts["indexed_percent"] = "CloudWatchLogs", 1.0
    missing(facts, Place.XRAY)


def transaction_search_without_a_loss(facts: Facts) -> None:
    facts["destination"], facts["indexed_percent"] = "CloudWatchLogs", 50.0


def xray_denied_by_output(facts: Facts) -> None:
    facts["daemon_output"] = [
        "2026-11-29T20:00:00Z [Error] Sending segment batch failed with: AccessDeniedException: User:"
        " arn:aws:sts::123456789012:assumed-role/shop-task/3f2a is not authorized to perform: xray:PutTraceSegments"
    ]
    missing(facts, Place.XRAY)


def xray_denied_by_simulation(facts: Facts) -> None:
    facts["denied"] |= {"xray:PutTraceSegments"}
    missing(facts, Place.XRAY)


def logs_denied_by_output(facts: Facts) -> None:
    facts["has_log_lines"] = True
    missing(facts, Place.CLOUDWATCH)
    reason = f"https://logs.eu-central-1.amazonaws.com/ answered 400 AccessDeniedException: {LOGS_REMEDY}"
    report(facts, "cloudwatch", "dropped", reason, 12)


def logs_denied_by_simulation(facts: Facts) -> None:
    facts["denied"] |= {"logs:PutLogEvents"}
    missing(facts, Place.CLOUDWATCH)


def log_group_gone(facts: Facts) -> None:
    facts["log_groups"], facts["has_log_lines"] = ["Shop-dev-other"], False
    missing(facts, Place.CLOUDWATCH)
    report(
        facts,
        "cloudwatch",
        "unreachable",
        f"ConnectionError: log group {GROUP} not found: deploy the observability stack",
    )


def log_group_renamed(facts: Facts) -> None:
    run(facts, definition(OTHER_ARN, {"CLOUDWATCH_LOG_GROUP": "Shop-elsewhere"}))
    missing(facts, Place.CLOUDWATCH)
    report(facts, "cloudwatch", "unreachable", "ConnectionError: log group Shop-elsewhere not found: deploy the stack")


def refused(name: str, place: Place, url: str) -> Callable[[Facts], None]:
    def break_it(facts: Facts) -> None:
        missing(facts, place)
        report(facts, name, "unauthorized", f"{url} answered 401: check KEY; `make secrets` fills it in")

    return break_it


def key_of_the_other_region(facts: Facts) -> None:
    refused("honeycomb", Place.HONEYCOMB, "https://api.honeycomb.io/v1/traces")(facts)
    facts["honeycomb_hosts"] = ["api.eu1.honeycomb.io"]


def unreachable(name: str, place: Place) -> Callable[[Facts], None]:
    def break_it(facts: Facts) -> None:
        missing(facts, place)
        report(facts, name, "unreachable", "TimeoutError: timed out", 5)

    return break_it


def dropped(name: str, place: Place, reason: str) -> Callable[[Facts], None]:
    def break_it(facts: Facts) -> None:
        missing(facts, place)
        report(facts, name, "dropped", reason, 17)

    return break_it


def elsewhere(place: Place) -> Callable[[Facts], None]:
    return lambda facts: missing(facts, place)


def group_of_another_name(facts: Facts) -> None:
    facts["groups"] = [Group(name="Shop-dev", expression='service("shop-prod")')]
    facts["group_shows"] = lambda _: False


def no_group(facts: Facts) -> None:
    facts["groups"] = []


BROKEN: Mapping[str, tuple[str, Callable[[Facts], None]]] = {
    "no response": ("no-response", no_response),
    "an unhealthy target": ("no-healthy-target", no_healthy_target),
    "a target that has just stopped": ("no-healthy-target", stopped_target),
    "no target": ("no-healthy-target", no_target),
    "another service": ("response-without-an-id", another_service),
    "another environment": ("another-environment-answers", another_environment),
    "an old task": ("old-task-still-serving", old_task),
    "the machine's clock": ("clock-skew", machine_clock),
    "the task's clock": ("clock-skew", task_clock),
    "the SDK disabled": ("environment-variable-overridden", sdk_disabled),
    "another endpoint": ("environment-variable-overridden", endpoint_overridden),
    "no log group set": ("environment-variable-overridden", turned_off("CLOUDWATCH_LOG_GROUP", "cloudwatch")),
    "no daemon's address": ("environment-variable-overridden", turned_off("AWS_XRAY_DAEMON_ADDRESS", "xray")),
    "an endpoint that is no URL": (
        "variable-unusable",
        unusable("OTEL_EXPORTER_OTLP_ENDPOINT", "honeycomb", "api.honeycomb.io", stack_too=True),
    ),
    "an endpoint in a secret that is no URL": (
        "variable-unusable",
        unusable("OTEL_EXPORTER_OTLP_ENDPOINT", "honeycomb", None),
    ),
    "a daemon's address without a port": (
        "variable-unusable",
        unusable("AWS_XRAY_DAEMON_ADDRESS", "xray", "127.0.0.1"),
    ),
    "Honeycomb's placeholder": ("key-still-the-placeholder", honeycomb_placeholder),
    "Rollbar's placeholder": ("key-still-the-placeholder", rollbar_placeholder),
    "no rule": ("rule-missing", rule_gone),
    "no rule, and nothing sampled": ("rule-missing", rule_gone_and_unsampled),
    "a rule that samples nothing": ("sampled-out-by-a-rule", rule_of_nothing),
    "a rule that will sample nothing": ("sampled-out-by-a-rule", rule_of_nothing_that_is_not_fetched_yet),
    "a sidecar in another region": ("wrong-region", sidecar_in_another_region),
    "a service in another region": ("wrong-region", service_in_another_region),
    "no sidecar": ("sidecar-missing", no_sidecar),
    "another daemon": ("daemon-address-wrong", daemon_elsewhere),
    "a sidecar that ended": ("sidecar-stopped", sidecar_ended(0)),
    "a sidecar that was killed": ("sidecar-stopped", sidecar_ended(137)),
    "a sidecar that fails": ("sidecar-crash-looping", sidecar_ended(1)),
    "a sidecar that failed and runs": ("sidecar-crash-looping", sidecar_ended(1, status="RUNNING")),
    "a sidecar without memory": ("sidecar-crash-looping", sidecar_ended(137, "OutOfMemoryError: Container killed")),
    "Transaction Search": ("transaction-search-on", transaction_search),
    "Transaction Search, half indexed": ("transaction-search-on", transaction_search_without_a_loss),
    "X-Ray denied, as the daemon says": ("x-ray-action-denied", xray_denied_by_output),
    "X-Ray denied, as IAM says": ("x-ray-action-denied", xray_denied_by_simulation),
    "logs denied, as the service says": ("log-action-denied", logs_denied_by_output),
    "logs denied, as IAM says": ("log-action-denied", logs_denied_by_simulation),
    "no log group": ("log-group-missing", log_group_gone),
    "another log group": ("log-group-of-another-name", log_group_renamed),
    "Honeycomb's key refused": (
        "key-refused",
        refused("honeycomb", Place.HONEYCOMB, "https://api.honeycomb.io/v1/traces"),
    ),
    "Rollbar's key refused": ("key-refused", refused("rollbar", Place.ROLLBAR, "https://api.rollbar.com/api/1/item/")),
    "a key of the other region": ("key-of-another-region", key_of_the_other_region),
    "Honeycomb unreachable": ("host-unreachable-from-the-task", unreachable("honeycomb", Place.HONEYCOMB)),
    "Rollbar unreachable": ("host-unreachable-from-the-task", unreachable("rollbar", Place.ROLLBAR)),
    "CloudWatch unreachable": ("host-unreachable-from-the-task", unreachable("cloudwatch", Place.CLOUDWATCH)),
    "Honeycomb drops": ("telemetry-dropped", dropped("honeycomb", Place.HONEYCOMB, "the queue was full")),
    "Rollbar drops": (
        "telemetry-dropped",
        dropped("rollbar", Place.ROLLBAR, "https://api.rollbar.com answered 422: x"),
    ),
    "X-Ray drops": ("telemetry-dropped", dropped("xray", Place.XRAY, "Message too long")),
    "another Honeycomb environment": ("key-of-another-environment", elsewhere(Place.HONEYCOMB)),
    "another Rollbar project": ("key-of-another-environment", elsewhere(Place.ROLLBAR)),
    "a group of another filter": ("groups-filter-does-not-match", group_of_another_name),
    "no group": ("groups-filter-does-not-match", no_group),
}
"""How to break one fact of a healthy deployment with all that follows from it, and the slug of its cause."""
