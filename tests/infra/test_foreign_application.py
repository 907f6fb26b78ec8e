"""An application that this project has never seen gets stacks of its own from its description."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.application_file import load
from infra.names import Names
from tests.infra.assembly import Assembly, Json
from tests.infra.test_cfn_lint import lint
from tests.infra.test_iam_table import readable
from tests.infra.test_least_privilege import as_list
from tests.infra.test_names import account_wide_names

BOOKINGS = Path(__file__).parent / "bookings"
SECRET_ARN = "arn:<partition>:secretsmanager:<region>:<accountid>:secret:dev/bookings/database-url"


@pytest.fixture(scope="module")
def bookings(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("dev", app=str(BOOKINGS), image="bookings:plain")


def container(assembly: Assembly) -> Json:
    return assembly.service.container("bookings-api")


def variables(assembly: Assembly) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in container(assembly)["Environment"]}


def strings(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    else:
        yield str(value)


def test_nothing_in_its_templates_is_named_after_the_sample_application(bookings: Assembly) -> None:
    texts = [text for stack in bookings.stacks for text in strings(stack.content)]
    assert [text for text in texts if "cruddur" in text.lower() or "backend-flask" in text.lower()] == []


def test_its_names_begin_with_its_own(bookings: Assembly) -> None:
    observability = bookings.observability
    assert [stack.path.name for stack in bookings.stacks] == [
        "Bookings-dev-Observability.template.json",
        "Bookings-dev-Service.template.json",
    ]
    assert observability.only("AWS::Logs::LogGroup")["LogGroupName"] == "Bookings-dev-bookings-api"
    assert {each["Properties"]["GroupName"] for each in observability.of_type("AWS::XRay::Group")} == {
        "Bookings-dev",
        "Bookings-dev-Faults",
        "Bookings-dev-Slow",
    }
    assert {each["Properties"]["Name"] for each in observability.of_type("AWS::SecretsManager::Secret")} == {
        "dev/bookings/honeycomb-api-key",
        "dev/bookings/rollbar-access-token",
        "dev/bookings/honeycomb-configuration-key",
    }
    assert bookings.service.only("AWS::CloudWatch::Dashboard")["DashboardName"] == "Bookings-dev"


def test_its_sampling_rules_match_its_own_segments_and_leave_out_its_own_health_check(bookings: Assembly) -> None:
    rules = [each["Properties"]["SamplingRule"] for each in bookings.observability.of_type("AWS::XRay::SamplingRule")]
    assert {(each["RuleName"], each["ServiceName"], each["URLPath"]) for each in rules} == {
        ("Bookings-dev", "bookings-api-dev", "*"),
        ("Bookings-dev-Health", "bookings-api-dev", "/healthz"),
    }


def test_the_saved_queries_leave_out_its_own_health_check(bookings: Assembly) -> None:
    queries = bookings.observability.of_type("AWS::Logs::QueryDefinition")
    text = json.dumps(queries)
    assert 'path != \\"/healthz\\"' in json.loads(json.dumps(text)).replace('\\\\"', '\\"')
    assert "{{" not in text


def test_it_has_no_name_in_common_with_the_sample_application(bookings: Assembly, dev: Assembly) -> None:
    assert not account_wide_names(bookings) & account_wide_names(dev)


def test_the_load_balancer_reaches_its_port_and_its_health_check(bookings: Assembly) -> None:
    group = bookings.service.only("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert (group["Port"], group["HealthCheckPath"]) == (8080, "/healthz")
    assert container(bookings)["PortMappings"] == [{"ContainerPort": 8080, "Protocol": "tcp"}]
    [target] = bookings.service.only("AWS::ECS::Service")["LoadBalancers"]
    assert (target["ContainerName"], target["ContainerPort"]) == ("bookings-api", 8080)


def test_the_container_has_the_applications_variables_as_they_are_written(bookings: Assembly) -> None:
    own = variables(bookings)
    assert own["PRICE_FORMAT"] == "${amount} {currency}"
    assert own["FLASK_APP"] == "bookings:create_app()"
    assert own["HEALTH_CHECK_PATH"] == "/healthz"
    assert (own["OTEL_SERVICE_NAME"], own["AWS_XRAY_TRACING_NAME"]) == ("bookings-api", "bookings-api-dev")
    assert (own["FRONTEND_SERVICE_NAME"], own["USER_HEADER"]) == ("bookings-api-frontend", "X-User")
    assert own["METRICS_NAMESPACE"] == "Bookings-dev/Telemetry"
    assert own["AWS_DEFAULT_REGION"] == own["AWS_REGION"] == {"Ref": "AWS::Region"}


def test_the_metrics_of_its_log_lines_have_the_namespace_that_it_is_told(bookings: Assembly) -> None:
    filters = bookings.observability.of_type("AWS::Logs::MetricFilter")
    namespaces = {each["Properties"]["MetricTransformations"][0]["MetricNamespace"] for each in filters}
    assert namespaces == {variables(bookings)["METRICS_NAMESPACE"]}


def test_its_choices_replace_the_deployments_and_differ_by_environment(
    bookings: Assembly, synthesized: Callable[..., Assembly]
) -> None:
    prod = synthesized("prod", app=str(BOOKINGS), image="bookings:plain")
    assert [(variables(each)["LOG_LEVEL"], variables(each)["PAGE_SIZE"]) for each in (bookings, prod)] == [
        ("DEBUG", "20"),
        ("WARNING", "50"),
    ]
    assert variables(bookings)["WEB_THREADS"] == "16"
    assert '"value":16' in json.dumps(bookings.service.only("AWS::CloudWatch::Dashboard")).replace("\\", "")


def test_the_dashboard_and_the_alarms_link_its_own_log_group(bookings: Assembly) -> None:
    text = json.dumps([each["Properties"] for each in bookings.service.of_type("AWS::CloudWatch::Alarm")])
    assert "Bookings-dev-bookings-api" in text


def test_its_secret_is_read_by_name_and_no_template_holds_a_value_of_it(bookings: Assembly) -> None:
    sources = {each["Name"]: each["ValueFrom"] for each in container(bookings)["Secrets"]}
    assert readable(sources["DATABASE_URL"]) == SECRET_ARN
    assert "database-url" not in bookings.observability.text


def test_the_execution_role_reads_its_secret_and_no_other_of_its_name(bookings: Assembly) -> None:
    allowed = [
        readable(resource)
        for each in bookings.service.statements_of("ExecutionRoleArn")
        if "secretsmanager:GetSecretValue" in each["Action"]
        for resource in as_list(each["Resource"])
    ]
    # Secrets Manager appends a hyphen and six characters.
    assert [each for each in allowed if "database-url" in each] == [f"{SECRET_ARN}-??????"]


def test_the_task_role_has_its_statements_in_the_partition_that_is_deployed_to(bookings: Assembly) -> None:
    statements = [
        (each["Action"], [readable(resource) for resource in as_list(each["Resource"])])
        for each in bookings.service.statements_of("TaskRoleArn")
    ]
    assert ("sqs:SendMessage", ["arn:<partition>:sqs:<region>:<accountid>:bookings-dev"]) in statements
    invoices = ["arn:<partition>:s3:::invoices-dev/*", "arn:<partition>:s3:::own/${aws:username}"]
    assert ("s3:GetObject", invoices) in statements


def test_no_task_starts_before_its_role_may_do_what_it_asks_for(bookings: Assembly) -> None:
    [service] = bookings.service.of_type("AWS::ECS::Service")
    policies = {each for each in bookings.service.ids_of_type("AWS::IAM::Policy") if each.startswith("ApplicationPerm")}
    assert len(policies) == 2
    assert policies <= set(service["DependsOn"])


def test_its_templates_pass_cfn_lint(bookings: Assembly) -> None:
    assert lint(*(stack.path for stack in bookings.stacks)) == ""


def test_no_name_is_longer_than_aws_takes_for_the_longest_application_and_environment() -> None:
    names = Names(load(BOOKINGS), "a" * 16)
    assert len(f"{names.xray_group}-Faults") == len(f"{names.xray_group}-Health") == 32
    assert len(names.access_log_bucket("123456789012", "ap-southeast-2")) <= 63
