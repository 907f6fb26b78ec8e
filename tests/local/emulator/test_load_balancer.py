from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import requests

from tests.local.emulator.conftest import DEFAULT_ACCOUNT, Aws, Template, free_port, running_emulator

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = "Root=1-6553f100-0123456789abcdef01234567"
TRACEPARENT = "00-6553f1000123456789abcdef01234567-0123456789abcdef-01"
NEW_ID = r"1-[0-9a-f]{8}-[0-9a-f]{24}"


class Echo(BaseHTTPRequestHandler):
    """Answer 201 with the request as JSON."""

    requested: ClassVar[list[str]] = []

    def _answer(self) -> None:
        self.requested.append(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        received = {"method": self.command, "path": self.path, "body": body}
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = json.dumps({**received, "headers": headers}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(response)))
        self.send_header("X-Trace-Id", "from-the-target")
        self.end_headers()
        self.wfile.write(response)

    do_GET = do_POST = do_OPTIONS = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
        """Log nothing."""


@pytest.fixture
def target_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


def resources(name: str) -> Template:
    kind = "AWS::ElasticLoadBalancingV2::"
    forward = [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]
    listener = {"LoadBalancerArn": {"Ref": "Balancer"}, "Port": 80, "Protocol": "HTTP", "DefaultActions": forward}
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Balancer": {"Type": f"{kind}LoadBalancer", "Properties": {"Name": name, "Subnets": ["subnet-1", "subnet-2"]}},
        "Targets": {
            "Type": f"{kind}TargetGroup",
            "Properties": {"Port": 80, "Protocol": "HTTP", "TargetType": "ip", "VpcId": {"Ref": "Vpc"}},
        },
        "Listener": {"Type": f"{kind}Listener", "Properties": listener},
    }


class Balancer:
    """A client of the deployed load balancer, reached by its Host header on the emulator's port."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._url = aws.endpoint
        self.host = f"{name}.alb.localhost:{aws.endpoint.rpartition(':')[2]}"

    def request(
        self, path: str = "/", method: str = "GET", body: bytes | None = None, /, **headers: str
    ) -> requests.Response:
        extra_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, self._url + path, data=body, headers={"Host": self.host, **extra_headers}, timeout=10
            )


@pytest.fixture
def balancer(default_aws: Aws, target_port: int) -> Iterator[Balancer]:
    name = f"test-{secrets.token_hex(4)}"
    stack = default_aws.stack(resources(name))
    elbv2 = default_aws.client("elbv2")
    group = stack.physical_id("Targets")
    elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": target_port}])
    [health] = elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert health["Target"]["Port"] == target_port
    yield Balancer(default_aws, name)
    stack.delete()


def test_requests_are_forwarded_to_the_registered_target(balancer: Balancer) -> None:
    response = balancer.request("/api/activities/search?term=a%20b", "POST", b"hello")

    received = response.json()
    assert (response.status_code, response.headers["X-Trace-Id"]) == (201, "from-the-target")
    assert (received["method"], received["path"], received["body"]) == (
        "POST",
        "/api/activities/search?term=a%20b",
        "hello",
    )


def test_the_target_gets_the_forwarded_headers(balancer: Balancer) -> None:
    headers = balancer.request(X_Forwarded_For="203.0.113.7").json()["headers"]

    assert headers["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    # The port that the client used, by which links lead back; on AWS it is the listener's.
    port = balancer.host.partition(":")[2]
    assert (headers["x-forwarded-proto"], headers["x-forwarded-port"], headers["host"]) == ("http", port, balancer.host)


def test_a_request_without_a_trace_gets_a_root_of_the_current_second(balancer: Balancer) -> None:
    header = balancer.request().json()["headers"]["x-amzn-trace-id"]

    assert re.fullmatch(f"Root={NEW_ID}", header)
    assert abs(int(header.split("-")[1], 16) - time.time()) < 60


def test_a_clients_root_is_kept_after_the_balancers_self(balancer: Balancer) -> None:
    header = balancer.request(X_Amzn_Trace_Id=f"{ROOT};Sampled=1").json()["headers"]["x-amzn-trace-id"]

    assert re.fullmatch(f"Self={NEW_ID};{ROOT};Sampled=1", header)


def test_a_traceparent_is_forwarded_unchanged_beside_a_new_root(balancer: Balancer) -> None:
    headers = balancer.request(traceparent=TRACEPARENT).json()["headers"]

    assert headers["traceparent"] == TRACEPARENT
    assert re.fullmatch(f"Root={NEW_ID}", headers["x-amzn-trace-id"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Access-Control-Request-Method": "POST"},
        {"Host": "evil.test"},
        {"Host": "test.alb.localhost.evil.test"},
        {"Host": "test.us-east-1.elb.amazonaws.com"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_foreign_pages_request_does_not_reach_the_target(
    balancer: Balancer, method: str, headers: dict[str, str]
) -> None:
    Echo.requested.clear()

    response = balancer.request("/planted", method, **headers)

    assert (response.status_code, Echo.requested) == (403, [])
    assert next(iter(headers)) in response.json()["error"]
    assert [name for name in response.headers if name.lower().startswith("access-control-")] == []


def test_its_own_pages_request_reaches_the_target_with_its_origin(balancer: Balancer) -> None:
    origin = f"http://{balancer.host}"

    headers = balancer.request("/", "POST", b"{}", Origin=origin, Sec_Fetch_Site="same-origin").json()["headers"]

    assert (headers["origin"], headers["host"]) == (origin, balancer.host)


@pytest.fixture
def own_port(target_port: int) -> Iterator[tuple[int, Aws]]:
    """An emulator that serves its one load balancer on a port of its own."""
    front = free_port()
    with running_emulator("--load-balancer-port", str(front)) as endpoint:
        aws = Aws(endpoint, DEFAULT_ACCOUNT)
        stack = aws.stack(resources("first"))
        target = {"Id": "127.0.0.1", "Port": target_port}
        aws.client("elbv2").register_targets(TargetGroupArn=stack.physical_id("Targets"), Targets=[target])
        yield front, aws


def get(port: int, path: str = "/", **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=60)


def test_the_one_load_balancer_has_a_port_of_its_own_and_its_target_sees_that_address(
    own_port: tuple[int, Aws],
) -> None:
    port, _ = own_port
    for name in ("127.0.0.1", "localhost"):
        received = get(port, "/_own/path?a=%20", Host=f"{name}:{port}").json()
        assert received["path"] == "/_own/path?a=%20"
        assert (received["headers"]["host"], received["headers"]["x-forwarded-port"]) == (f"{name}:{port}", str(port))


def test_no_aws_api_and_no_endpoint_of_the_emulator_is_served_there(own_port: tuple[int, Aws]) -> None:
    port, _ = own_port
    query = get(port, "/?Action=DescribeLoadBalancers&Version=2015-12-01")
    assert query.json()["method"] == "GET"
    assert get(port, "/_ministack/reset").status_code == 404


def test_a_foreign_pages_request_is_refused_there_too(own_port: tuple[int, Aws]) -> None:
    port, _ = own_port
    Echo.requested.clear()
    for headers in ({"Host": f"evil.test:{port}"}, {"Origin": "http://evil.test"}, {"Sec-Fetch-Site": "cross-site"}):
        assert get(port, "/planted", **headers).status_code == 403
    assert Echo.requested == []


def test_with_a_second_load_balancer_the_address_says_to_use_a_name(own_port: tuple[int, Aws]) -> None:
    port, aws = own_port
    aws.stack(resources("second"))

    response = get(port)

    assert response.status_code == 503
    assert "<name>.alb.localhost" in response.json()["error"]
