"""With IAM enforced, who does not know a secret gets nothing of the emulator: no other user and no web page."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from botocore.exceptions import ClientError

from local.emulator.allow_list import SERVICES
from tests.local.emulator.conftest import SECONDS, free_port, start
from tests.local.emulator.enforcing import KEY, REGION, Enforcing, enforcing_emulator
from tests.permissions import signed_calls
from tests.permissions.table import MODELS, Call, every_operation

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

STACKS = "/?Action=ListStacks&Version=2010-05-15"
BALANCER_PORT = free_port()


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Enforcing]:
    with enforcing_emulator("--load-balancer-port", str(BALANCER_PORT)) as emulator:
        yield emulator


def send(enforcing: Enforcing, method: str, path: str, body: str = "", **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            method,
            enforcing.endpoint + path,
            data=body.encode("latin-1"),
            headers=headers,
            timeout=SECONDS,
            allow_redirects=False,
        )


def signed(enforcing: Enforcing, request: dict[str, str], **changes: str) -> dict[str, str]:
    credentials = {"AccessKeyId": enforcing.key, "SecretAccessKey": enforcing.secret} | changes
    return signed_calls.signed_headers(request, enforcing.endpoint.removeprefix("http://"), REGION, credentials)


def test_the_table_covers_every_service_that_is_served() -> None:
    assert set(MODELS) == SERVICES


def test_the_administrator_is_a_user_of_the_account(enforcing: Enforcing) -> None:
    assert enforcing.client("sts").get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:user/administrator"


@pytest.mark.parametrize("key", [KEY, "test", "000000000000", "111111111111", "AKIAUNKNOWN000000000"])
@pytest.mark.parametrize("service", sorted(MODELS))
def test_a_wrong_secret_opens_no_service_whatever_the_key(enforcing: Enforcing, service: str, key: str) -> None:
    request = OPERATIONS[service].request
    headers = signed(enforcing, request, AccessKeyId=key, SecretAccessKey="test")
    answer = send(enforcing, request["method"], f"{request['path']}?{request['query']}", request["body"], **headers)

    assert answer.status_code in {400, 401, 403}, answer.text
    assert any(each in answer.text for each in REJECTED), answer.text


def test_no_operation_of_any_service_is_open_to_an_unsigned_request(enforcing: Enforcing) -> None:
    calls = {str(call): call.request for call in every_operation()}
    assert len(calls) > 1500

    for authorization in ("", "AWS4-HMAC-SHA256 Credential=test"):
        sent = {"endpoint": enforcing.endpoint, "requests": [*calls.values()], "authorization": authorization}
        answers = zip(calls, signed_calls.send(sent), strict=True)
        assert [(call, status, body) for call, (status, body) in answers if status not in {400, 401, 403}] == []


@pytest.mark.parametrize("authorization", ["Bearer x", "Basic QVdTOng=", "AWS test:x", "AWS4-ECDSA-P256-SHA256 x"])
def test_no_other_scheme_of_authorization_opens_a_service(enforcing: Enforcing, authorization: str) -> None:
    requests_of_all = [call.request for call in OPERATIONS.values()]
    sent = {"endpoint": enforcing.endpoint, "requests": requests_of_all, "authorization": authorization}

    assert {status for status, _ in signed_calls.send(sent)} <= {400, 401, 403}


REJECTED = (
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignature",
    "MissingAuthenticationToken",
    "MissingParameter",
    "SignatureDoesNotMatch",
    "UnrecognizedClient",
    "missing Authentication Token",
    "AccessDenied",
    "IncompleteSignature",
)

OPERATIONS = {
    "application-autoscaling": Call("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "ecs"}),
    "cloudformation": Call("cloudformation", "ListStacks"),
    "dynamodb": Call("dynamodb", "ListTables"),
    "ec2": Call("ec2", "DescribeVpcs"),
    "ecr": Call("ecr", "GetAuthorizationToken"),
    "ecs": Call("ecs", "ListClusters"),
    "elasticloadbalancing": Call("elasticloadbalancing", "DescribeLoadBalancers"),
    "iam": Call("iam", "ListRoles"),
    "logs": Call("logs", "DescribeLogGroups"),
    "monitoring": Call("monitoring", "DescribeAlarms"),
    "s3": Call("s3", "ListBuckets"),
    "secretsmanager": Call("secretsmanager", "ListSecrets"),
    "sqs": Call("sqs", "ListQueues"),
    "ssm": Call("ssm", "DescribeParameters"),
    "sts": Call("sts", "GetCallerIdentity"),
    "xray": Call("xray", "GetSamplingRules"),
}


@pytest.mark.parametrize("service", sorted(MODELS))
def test_the_same_request_with_the_secret_is_served(enforcing: Enforcing, service: str) -> None:
    request = OPERATIONS[service].request
    answer = send(
        enforcing,
        request["method"],
        f"{request['path']}?{request['query']}",
        request["body"],
        **signed(enforcing, request),
    )

    assert answer.status_code == 200, answer.text


def test_a_signature_for_one_service_opens_no_other(enforcing: Enforcing) -> None:
    request = Call("secretsmanager", "ListSecrets").request
    headers = signed(enforcing, request | {"service": "logs"})

    answer = send(enforcing, "POST", "/", request["body"], **headers)

    assert (answer.status_code, "scoped to correct service" in answer.text) == (400, True)


def test_a_request_that_names_two_operations_is_refused(enforcing: Enforcing) -> None:
    request = Call("logs", "DescribeLogGroups").request | {"query": "Action=PutLogEvents"}

    answer = send(enforcing, "POST", f"/?{request['query']}", request["body"], **signed(enforcing, request))

    assert (answer.status_code, "MalformedRequest" in answer.text) == (400, True)


def test_a_parameter_is_not_given_twice(enforcing: Enforcing) -> None:
    request = Call("cloudformation", "DescribeStacks", {"StackName": "mine"}).request
    request["body"] += "&StackName=another"

    answer = send(enforcing, "POST", "/", request["body"], **signed(enforcing, request))

    assert (answer.status_code, "repeated parameters: StackName" in answer.text) == (403, True)


def test_a_presigned_url_of_a_bucket_works_as_signed_and_not_otherwise(enforcing: Enforcing) -> None:
    s3 = enforcing.client("s3")
    s3.create_bucket(Bucket="presigned")
    s3.put_object(Bucket="presigned", Key="known", Body=b"content")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "known"})
    path = url.removeprefix(enforcing.endpoint)

    assert send(enforcing, "GET", path).text == "content"
    assert send(enforcing, "GET", path.replace("known", "other")).status_code == 403
    assert send(enforcing, "DELETE", path).status_code == 403
    assert send(enforcing, "GET", path[:-4]).status_code == 403


def test_the_credentials_of_a_presigned_url_are_given_once(enforcing: Enforcing) -> None:
    """One of a user who may nothing, verified, must not be used with the key of another."""
    iam = enforcing.client("iam")
    iam.create_user(UserName="presigns")
    key = iam.create_access_key(UserName="presigns")["AccessKey"]
    s3 = enforcing.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    other = f"x-amz-credential={KEY}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
    path = s3.generate_presigned_url("list_buckets").removeprefix(enforcing.endpoint)

    assert send(enforcing, "GET", path).status_code == 403
    for each in (f"{path}&{other}", path.replace("?", f"?{other}&")):
        answer = send(enforcing, "GET", each)
        assert (answer.status_code, "AuthorizationHeaderMalformed" in answer.text) == (400, True)


def test_a_session_is_nothing_without_its_token(enforcing: Enforcing) -> None:
    iam = enforcing.client("iam")
    trust = {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "000000000000"}}}
    role = iam.create_role(RoleName="session", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    session = enforcing.client("sts").assume_role(RoleArn=role, RoleSessionName="tested")["Credentials"]
    pair = session["AccessKeyId"], session["SecretAccessKey"]

    assert (
        enforcing.client("sts", *pair, session["SessionToken"]).get_caller_identity()["Arn"].endswith("session/tested")
    )
    for token in (None, "another"):
        with pytest.raises(ClientError) as raised:
            enforcing.client("sts", *pair, token).get_caller_identity()
        assert raised.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_a_web_page_cannot_call_an_api_even_with_a_signature(enforcing: Enforcing) -> None:
    request = Call("sts", "GetCallerIdentity").request
    headers = signed(enforcing, request) | {"Origin": "https://example.com"}

    answer = send(enforcing, request["method"], request["path"], request["body"], **headers)

    assert (answer.status_code, "Origin" in answer.text) == (403, True)


def test_the_health_path_and_the_load_balancer_stay_open(enforcing: Enforcing) -> None:
    port = enforcing.endpoint.rpartition(":")[2]
    assert send(enforcing, "GET", "/_ministack/health").status_code == 200
    host = {"Host": f"absent.alb.localhost:{port}"}
    assert "LoadBalancerNotFound" in send(enforcing, "GET", "/", **host).text
    balancer = Enforcing(f"http://127.0.0.1:{BALANCER_PORT}", "", "")
    assert send(balancer, "GET", STACKS).status_code == 503


def test_the_secret_of_another_account_is_not_guessed_from_its_number(enforcing: Enforcing) -> None:
    with pytest.raises(ClientError) as raised:
        enforcing.client("s3", "123456789012", "test").list_buckets()
    assert raised.value.response["Error"]["Code"] == "InvalidAccessKeyId"


def test_without_the_administrators_secret_it_does_not_start() -> None:
    with start(free_port(), "--enforce-iam", AWS_ACCESS_KEY_ID=KEY) as process:
        _, stderr = process.communicate(timeout=SECONDS)

    assert (process.returncode, stderr.count("\n")) == (1, 1)
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in stderr
