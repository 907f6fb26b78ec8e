"""What the emulator does not serve is refused by name, by whichever way a request reaches for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from local.emulator.allow_list import RESOURCE_TYPES, SERVICES
from tests.local.emulator.conftest import CHECKOUT, Aws, Template
from tests.local.emulator.test_process import run

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FUNCTION: Template = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "FunctionName": "planted",
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/planted",
        "Code": {"ZipFile": "def handler(event, context): open('/tmp/planted', 'w')"},
    },
}


def signed_for(service: str) -> dict[str, str]:
    scope = f"000000000000/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def request(endpoint: str, method: str, path: str, body: str = "", **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, endpoint + path, data=body, headers=headers, timeout=60, allow_redirects=False)


def in_ministack(expression: str, program: str = "") -> Any:  # noqa: ANN401 - the expression's own type
    """Evaluate an expression in a process that has imported ministack: the import changes its process."""
    imports = "import json\nfrom ministack import app\nfrom ministack.core import router"
    return json.loads(run(f"{imports}\n{program}\nprint(json.dumps({expression}))"))


@pytest.fixture(scope="module")
def patterns() -> dict[str, dict[str, Any]]:
    """Return the router's patterns of each service that is not served."""
    table: dict[str, dict[str, Any]] = in_ministack(
        "{**dict.fromkeys(app.SERVICE_REGISTRY, {}), **router.SERVICE_PATTERNS}"
    )
    return {name: each for name, each in table.items() if name not in SERVICES}


def test_the_emulator_serves_exactly_what_the_lists_name() -> None:
    program = (
        "from local.emulator import install\ninstall()\nfrom ministack.services.cloudformation import provisioners"
    )
    services, types = in_ministack("[[*app.SERVICE_HANDLERS], [*provisioners._RESOURCE_HANDLERS]]", program)

    assert set(services) == SERVICES
    assert set(types) == RESOURCE_TYPES


def test_every_resource_type_of_the_stacks_is_served() -> None:
    snapshots = [json.loads(each.read_text()) for each in (CHECKOUT / "tests" / "infra" / "snapshots").glob("*.json")]
    types = {member["Type"] for each in snapshots for member in each["Resources"].values()}

    assert len(types) > 30
    # GitHub's identity provider, which an account may have already: so the deploy roles are deployed here.
    assert types - RESOURCE_TYPES == {"AWS::IAM::OIDCProvider"}


def test_every_other_service_is_refused_by_the_name_in_the_signature(
    endpoint: str, patterns: dict[str, dict[str, Any]]
) -> None:
    assert len(patterns) > 60
    scopes = {each.get("credential_scope", name) for name, each in patterns.items()} - SERVICES
    for scope in {*scopes, "lambda", "states", "execute-api", "sns", "ses", "redshift", "no-such-service"}:
        for path in ("/", "/2015-03-31/functions", "/bucket/key"):
            response = request(endpoint, "POST", path, "{}", **signed_for(scope))
            assert response.status_code == 403, (scope, path, response.text)
            assert f"The service {scope} is not served by this emulator" in response.text or scope == "iotdata"
            presigned = f"{path}?X-Amz-Credential=a%2F20260101%2Fus-east-1%2F{scope}%2Faws4_request"
            assert request(endpoint, "POST", presigned).status_code == 403


def test_every_other_service_is_refused_by_its_operations_and_paths_whatever_the_signature_says(
    endpoint: str, patterns: dict[str, dict[str, Any]]
) -> None:
    for name, each in patterns.items():
        for target in each.get("target_prefixes", ()):
            response = request(endpoint, "POST", "/", "{}", **signed_for("s3"), **{"X-Amz-Target": f"{target}.Create"})
            assert (response.status_code, "is not served" in response.text) == (403, True), (name, target)
        for prefix in each.get("path_prefixes", ()):
            response = request(endpoint, "POST", f"{prefix}/planted", "{}")
            # A path that the router gives to no service is an object of a bucket that does not exist.
            refused = "is not served" in response.text or "<Code>NoSuchBucket</Code>" in response.text
            assert refused or response.status_code == 405, (name, prefix, response.text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/reset?init=1"),
        ("POST", "/%5Fministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/ready"),
        ("GET", "/_ministack/lambda-code/planted"),
        ("GET", "/_ministack/lambda-layers/planted/1/content"),
        ("PUT", "/_ministack/cfn-response/token"),
        ("PUT", "/_ministack/cfn-signal/token"),
        ("POST", "/_ministack/eks-auth/cluster"),
        ("POST", "/_ministack/rds/iam-auth"),
        ("GET", "/_ministack/ses/messages"),
        ("GET", "/_ministack/sqs/messages"),
        ("GET", "/_ministack/sns/sms-messages"),
        ("GET", "/_ministack/transfer/sftp-ports"),
        ("GET", "/_ministack/iot/ca.pem"),
        ("GET", "/_localstack/health"),
        ("POST", "/_localstack/init"),
        ("POST", "/_aws/lambda-url/0123456789abcdef0123456789abcdef/"),
        ("POST", "/_aws/execute-api/12345678/stage/path"),
        ("GET", "/_alb/any/path"),
    ],
)
def test_ministacks_own_endpoints_are_not_served(endpoint: str, method: str, path: str) -> None:
    response = request(endpoint, method, path, "{}")

    assert response.status_code == 404
    assert "is not served: of ministack's own endpoints only /_ministack/health is" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/2015-03-31/functions", {}),
        ("POST", "/2015-03-31/functions/planted/invocations", {"X-Amz-Invocation-Type": "Event"}),
        ("POST", "/2021-10-31/functions/planted/url", {}),
        ("POST", "/restapis", {}),
        ("GET", "/oauth2/authorize", {}),
        ("POST", "/oauth2/token", {}),
        ("GET", "/iceberg/v1/config", {}),
        ("POST", "/Execute", {}),
        ("POST", "/WriteGetObjectResponse", {"X-Amz-Request-Route": "route"}),
        ("POST", "/v1/apis/1234/graphql", {}),
    ],
)
def test_a_data_plane_is_not_found_by_its_path(endpoint: str, method: str, path: str, headers: dict[str, str]) -> None:
    response = request(endpoint, method, path, "{}", **headers)

    assert "is not served" in response.text or "<Code>" in response.text, response.text
    assert 400 <= response.status_code < 500


@pytest.mark.parametrize(
    "host",
    [
        "0123456789abcdef0123456789abcdef.lambda-url.us-east-1.localhost",
        "12345678.execute-api.localhost",
        "d111111abcdef8.cloudfront.net",
        "1234.appsync-realtime-api.localhost",
        "data.iot.us-east-1.amazonaws.com",
        "bucket.s3.localhost",
        "any.us-east-1.elb.amazonaws.com",
        "lambda.us-east-1.amazonaws.com",
    ],
)
def test_a_data_plane_is_not_found_by_its_host_name(endpoint: str, host: str) -> None:
    response = request(endpoint, "POST", "/", "{}", Host=host)

    assert response.status_code == 403
    assert response.json()["error"].startswith(f"Refused, because Host is {host!r}")


def test_a_load_balancers_name_reaches_no_api(endpoint: str) -> None:
    for path in ("/", "/2015-03-31/functions", "/v2/", "/_ministack/health", "/bucket"):
        response = request(endpoint, "POST", path, "{}", **signed_for("s3"), Host="none.alb.localhost")
        assert response.status_code == 404
        assert "no load balancer has the name none.alb.localhost" in response.text


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("AWS::Lambda::Function", FUNCTION),
        ("Custom::Planted", {"Type": "Custom::Planted", "Properties": {"ServiceToken": "arn:aws:lambda:planted"}}),
        ("AWS::CloudFormation::CustomResource", {"Type": "AWS::CloudFormation::CustomResource", "Properties": {}}),
        ("a custom resource", {"Properties": {"ServiceToken": "arn:aws:sns:us-east-1:000000000000:planted"}}),
        (
            "AWS::CloudFormation::Stack",
            {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "http://x/"}},
        ),
        ("AWS::CloudFormation::Macro", {"Type": "AWS::CloudFormation::Macro", "Properties": {}}),
        ("AWS::StepFunctions::StateMachine", {"Type": "AWS::StepFunctions::StateMachine", "Properties": {}}),
        ("AWS::SNS::Subscription", {"Type": "AWS::SNS::Subscription", "Properties": {}}),
    ],
)
@pytest.mark.parametrize("transform", [None, "Planted"])
def test_a_template_with_another_resource_type_creates_nothing(
    aws: Aws, name: str, member: Template, transform: str | None
) -> None:
    resources = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "planted"}}, "Other": member}
    template = json.dumps({"Resources": resources, **({"Transform": transform} if transform else {})})
    cloudformation = aws.client("cloudformation")
    stack = {"StackName": "planted", "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
    operations: dict[str, dict[str, Any]] = {
        "create_stack": stack,
        "create_change_set": {**stack, "ChangeSetName": "planted", "ChangeSetType": "CREATE"},
        "validate_template": {},
    }

    for operation, parameters in operations.items():
        with pytest.raises(ClientError, match=f"ValidationError.*not served by this emulator: {name};"):
            getattr(cloudformation, operation)(TemplateBody=template, **parameters)

    assert cloudformation.describe_stacks()["Stacks"] == []
    assert aws.client("logs").describe_log_groups(logGroupNamePrefix="planted")["logGroups"] == []


def test_a_stack_is_not_updated_to_another_resource_type(aws: Aws) -> None:
    group = {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "kept"}}}
    stack = aws.stack(group)

    with pytest.raises(ClientError, match="not served by this emulator: AWS::Lambda::Function"):
        stack.update({**group, "Function": FUNCTION})


def test_an_unserved_service_is_a_client_error_that_names_it(aws: Aws) -> None:
    for service, operation in (
        ("lambda", "list_functions"),
        ("sns", "list_topics"),
        ("stepfunctions", "list_activities"),
    ):
        with pytest.raises(ClientError, match=r"UnsupportedOperation.*The service \w+ is not served by this emulator"):
            getattr(aws.client(service), operation)()
