"""The roles allow what the containers do, and nothing else."""

from flask_onetrace.contract import SECRET_PLACEHOLDER, SecretName
from infra.xray_sidecar import ACTIONS
from tests.infra.assembly import Assembly

OUTPUT = "Fn::GetStackOutput"


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def test_the_task_may_send_traces_and_write_only_to_its_own_log_group(assembly: Assembly) -> None:
    traces, lines = sorted(assembly.service.statements_of("TaskRoleArn"), key=lambda each: each["Resource"] != "*")
    assert traces == {"Effect": "Allow", "Action": sorted(ACTIONS), "Resource": "*"}
    assert lines["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    outputs = {name: each["Value"] for name, each in assembly.observability.content["Outputs"].items()}
    (group,) = [
        name
        for name, each in assembly.observability.content["Resources"].items()
        if each["Type"] == "AWS::Logs::LogGroup"
    ]
    assert outputs[lines["Resource"][OUTPUT]["OutputName"]] == {"Fn::GetAtt": [group, "Arn"]}


def test_the_execution_role_reads_only_the_containers_secrets(assembly: Assembly) -> None:
    readable = [
        resource
        for statement in assembly.service.statements_of("ExecutionRoleArn")
        if "secretsmanager:GetSecretValue" in statement["Action"]
        for resource in as_list(statement["Resource"])
    ]
    container = assembly.service.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    secrets = [each["ValueFrom"] for each in container["Secrets"]]
    assert sorted(map(str, readable)) == sorted(map(str, secrets))


def test_no_statement_allows_every_action(assembly: Assembly) -> None:
    for kind in ("TaskRoleArn", "ExecutionRoleArn"):
        for statement in assembly.service.statements_of(kind):
            assert not [each for each in as_list(statement["Action"]) if "*" in str(each)]


def test_the_only_secret_value_in_a_template_is_the_placeholder(assembly: Assembly) -> None:
    values = [
        each["Properties"]["SecretString"] for each in assembly.observability.of_type("AWS::SecretsManager::Secret")
    ]
    assert values == [SECRET_PLACEHOLDER] * len(SecretName)
    assert "resolve:secretsmanager" not in assembly.observability.text + assembly.service.text
