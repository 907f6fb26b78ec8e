from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from tests.local.emulator.balancing_emulator import running
from tests.local.emulator.conftest import Aws, Template, free_port
from tests.local.emulator.http_targets import Target, certificate, serving
from tests.local.emulator.test_load_balancer import resources

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SECONDS = 20.0
HEALTHY = ("healthy", None, None)
FAILED = ("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
INITIAL = ("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
DRAINING = ("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")


@pytest.fixture(scope="module")
def account() -> Iterator[Aws]:
    with running(minute=60) as aws:
        yield aws


@dataclass
class Deployed:
    """A load balancer with one target group."""

    aws: Aws
    name: str
    group: str

    def register(self, *targets: Target) -> None:
        self.aws.client("elbv2").register_targets(
            TargetGroupArn=self.group, Targets=[{"Id": each.host, "Port": each.port} for each in targets]
        )

    def deregister(self, *targets: Target) -> None:
        self.aws.client("elbv2").deregister_targets(
            TargetGroupArn=self.group, Targets=[{"Id": each.host, "Port": each.port} for each in targets]
        )

    def health(self, *targets: Target) -> dict[tuple[str, int], tuple[str, str | None, str | None]]:
        """Return state, reason and description by id and port."""
        named = [{"Id": each.host, "Port": each.port} for each in targets]
        response = self.aws.client("elbv2").describe_target_health(TargetGroupArn=self.group, Targets=named)
        return {
            (each["Target"]["Id"], each["Target"]["Port"]): (
                each["TargetHealth"]["State"],
                each["TargetHealth"].get("Reason"),
                each["TargetHealth"].get("Description"),
            )
            for each in response["TargetHealthDescriptions"]
        }

    def wait_for(self, expected: tuple[str, str | None, str | None], *targets: Target) -> None:
        wait_until(lambda: set(self.health(*targets).values()) == {expected}, lambda: self.health(*targets))

    def request(
        self, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: bytes
    ) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            sent["Host"] = f"{self.name}.alb.localhost".encode()
            return session.request(method, f"{self.aws.endpoint}{path}", headers=sent, data=body, timeout=60)

    def set(self, **attributes: str) -> None:
        client = self.aws.client("elbv2")
        [balancer] = client.describe_load_balancers(Names=[self.name])["LoadBalancers"]
        client.modify_load_balancer_attributes(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Attributes=[{"Key": key.replace("__", "."), "Value": value} for key, value in attributes.items()],
        )


def wait_until(condition: Callable[[], bool], describe: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.05)


def checked_each_second(name: str, *, delay: int, protocol: str = "HTTP") -> Template:
    """Return a load balancer whose targets' health is checked each second, and that drains them for `delay` seconds."""
    template = resources(name)
    template["Targets"]["Properties"] |= {
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": 1,
        "HealthCheckTimeoutSeconds": 1,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2,
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": str(delay)}],
        "Protocol": protocol,
        "HealthCheckProtocol": protocol,
    }
    return template


@contextmanager
def deployed(aws: Aws, *, delay: int = 2, listener: bool = True, protocol: str = "HTTP") -> Iterator[Deployed]:
    name = f"b{secrets.token_hex(4)}"
    template = checked_each_second(name, delay=delay, protocol=protocol)
    if not listener:
        del template["Listener"]
    stack = aws.stack(template)
    yield Deployed(aws, name, stack.physical_id("Targets"))
    stack.delete()


@pytest.fixture
def balancer(account: Aws) -> Iterator[Deployed]:
    with deployed(account) as each:
        yield each


def test_a_target_is_checked_at_once_and_healthy_after_one_check(balancer: Deployed) -> None:
    with serving("127.0.0.2") as [target]:
        registered = time.monotonic()
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        wait_until(lambda: len(target.checks) >= 3)

    assert target.checks[0] - registered < 0.5
    assert 0.8 < target.checks[2] - target.checks[1] < 1.5
    assert target.headers["user-agent"] == "ELB-HealthChecker/2.0"
    assert target.headers["host"] == f"127.0.0.2:{target.port}"


def test_requests_go_to_the_healthy_targets_in_turn(balancer: Deployed) -> None:
    with serving("127.0.0.2", "127.0.0.3", "127.0.0.4") as [first, second, sick]:
        sick.status = 500
        balancer.register(first, second, sick)
        balancer.wait_for(HEALTHY, first, second)

        assert {balancer.request().status_code for _ in range(10)} == {200}

    assert (first.requests, second.requests, sick.requests) == (5, 5, 0)


def test_an_unhealthy_target_gets_no_request_until_it_is_healthy_again(balancer: Deployed) -> None:
    with serving("127.0.0.2", "127.0.0.3") as [steady, changing]:
        balancer.register(steady, changing)
        balancer.wait_for(HEALTHY)
        changing.status = 503
        mismatch = ("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")
        balancer.wait_for(mismatch, changing)

        responses = {balancer.request().text for _ in range(6)}
        assert responses == {f"127.0.0.2:{steady.port}"}

        changing.status = 200
        balancer.wait_for(HEALTHY, changing)
        assert len({balancer.request().text for _ in range(2)}) == 2


def test_without_a_healthy_target_requests_go_to_all(balancer: Deployed) -> None:
    with serving("127.0.0.2", "127.0.0.3") as targets:
        for target in targets:
            target.status = 500
        balancer.register(*targets)
        wait_until(lambda: {state for state, _, _ in balancer.health().values()} == {"unhealthy"})

        assert {balancer.request().status_code for _ in range(4)} == {200}

    assert [target.requests for target in targets] == [2, 2]


def test_a_target_that_does_not_answer_in_time_or_not_at_all_is_unhealthy(balancer: Deployed) -> None:
    with serving("127.0.0.2") as [slow]:
        slow.delay = 1.5
        closed = Unserved("127.0.0.3", free_port())
        balancer.register(slow, closed)  # type: ignore[arg-type] # as much of a target as is used
        assert balancer.health()["127.0.0.3", closed.port] == INITIAL
        balancer.wait_for(("unhealthy", "Target.Timeout", "Request timed out"), slow)
        balancer.wait_for(FAILED, closed)  # type: ignore[arg-type] # the same


@dataclass
class Unserved:
    """A target that refuses connections."""

    host: str
    port: int


def test_two_ports_of_one_address_are_two_targets(balancer: Deployed) -> None:
    with serving("127.0.0.2", "127.0.0.2") as [first, second]:
        balancer.register(first, second)
        balancer.wait_for(HEALTHY)
        assert set(balancer.health()) == {("127.0.0.2", first.port), ("127.0.0.2", second.port)}

        balancer.deregister(first)
        assert [state for state, _, _ in balancer.health().values()] == ["draining", "healthy"]
        assert {balancer.request().text for _ in range(3)} == {f"127.0.0.2:{second.port}"}


def test_a_draining_target_finishes_its_requests_and_gets_no_new_one(balancer: Deployed) -> None:
    with serving("127.0.0.2", "127.0.0.3") as [leaving, staying], ThreadPoolExecutor() as pool:
        balancer.register(leaving)
        balancer.wait_for(HEALTHY)
        running_request = pool.submit(balancer.request, "/wait")
        wait_until(lambda: leaving.requests == 1)
        balancer.register(staying)
        balancer.wait_for(HEALTHY)

        balancer.deregister(leaving)
        deregistered = time.monotonic()

        assert balancer.health(leaving)["127.0.0.2", leaving.port] == DRAINING
        assert {balancer.request().text for _ in range(4)} == {f"127.0.0.3:{staying.port}"}
        leaving.released.set()
        assert running_request.result().text == f"127.0.0.2:{leaving.port}"
        wait_until(lambda: len(balancer.health()) == 1)
        assert 1.5 < time.monotonic() - deregistered < 3.5
        unused = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
        assert balancer.health(leaving)["127.0.0.2", leaving.port] == unused


def test_a_target_that_is_registered_again_while_it_drains_is_new(account: Aws) -> None:
    with deployed(account, delay=300) as balancer, serving("127.0.0.2") as [target]:
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        balancer.deregister(target)
        balancer.wait_for(DRAINING)
        assert balancer.request().status_code == 503
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        assert balancer.request().status_code == 200


def test_without_a_deregistration_delay_a_target_is_gone_at_once(account: Aws) -> None:
    with deployed(account, delay=0) as balancer, serving("127.0.0.2") as [target]:
        balancer.register(target)
        balancer.deregister(target)
        assert balancer.health() == {}


def test_a_target_of_a_group_that_no_listener_uses_is_unused_and_not_checked(account: Aws) -> None:
    with deployed(account, listener=False) as balancer, serving("127.0.0.2") as [target]:
        balancer.register(target)
        time.sleep(1)
        not_in_use = "Target group is not configured to receive traffic from the load balancer"
        assert balancer.health()["127.0.0.2", target.port] == ("unused", "Target.NotInUse", not_in_use)
        assert target.checks == []


def test_an_https_group_checks_and_forwards_without_verifying_the_certificate(account: Aws, tmp_path: Path) -> None:
    with deployed(account, protocol="HTTPS") as balancer, serving("127.0.0.2") as [target]:
        target.use_tls(certificate(tmp_path))
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        assert balancer.request().status_code == 200


@pytest.mark.parametrize("path", ["/reset", "/close", "/garbage"])
def test_a_target_that_closes_before_it_answers_is_a_502_and_not_tried_again(balancer: Deployed, path: str) -> None:
    with serving("127.0.0.2", "127.0.0.3") as targets:
        balancer.register(*targets)
        balancer.wait_for(HEALTHY)

        response = balancer.request(path)

    assert (response.status_code, response.headers["Server"]) == (502, "awselb/2.0")
    assert "<title>502 Bad Gateway</title>" in response.text
    assert sum(target.requests for target in targets) == 1


def test_a_target_that_refuses_the_connection_is_a_502(balancer: Deployed) -> None:
    balancer.register(Unserved("127.0.0.2", free_port()))  # type: ignore[arg-type] # as much of a target as is used
    assert balancer.request().status_code == 502


def test_without_a_target_it_is_a_503(balancer: Deployed) -> None:
    response = balancer.request()
    assert (response.status_code, "503 Service Temporarily Unavailable" in response.text) == (503, True)


def test_a_target_that_is_silent_for_the_idle_timeout_is_a_504(balancer: Deployed) -> None:
    balancer.set(idle_timeout__timeout_seconds="1")
    with serving("127.0.0.2") as [target]:
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        response = balancer.request("/wait")
    assert (response.status_code, "504 Gateway Time-out" in response.text) == (504, True)


def test_a_body_that_the_target_cuts_off_is_cut_off_for_the_client(balancer: Deployed) -> None:
    with serving("127.0.0.2") as [target]:
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="4 bytes read"):
            balancer.request("/cut")


def test_bodies_and_repeated_headers_are_forwarded(balancer: Deployed) -> None:
    with serving("127.0.0.2") as [target]:
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        sent = secrets.token_bytes(1_000_000)
        assert balancer.request("/upload", "POST", sent).content == sent
        assert balancer.request("/upload", "POST").content == b""
        cookies = balancer.request("/cookies", X_Name="\u00e9t\u00e9".encode())
        assert (cookies.status_code, cookies.raw.headers.getlist("Set-Cookie")) == (204, ["a=1", "b=2"])
        assert cookies.headers["X-Name"] == "\u00c3\u00a9t\u00e9"
        assert target.headers["x-name"].encode("latin-1").decode() == "\u00e9t\u00e9"
        head = balancer.request("/", "HEAD")
        assert (head.headers["Content-Length"], head.content) == ("5", b"")
        assert balancer.request("/stream3").content == b"chunk" * 3


def test_64_requests_and_a_stream_delay_neither_health_checks_nor_other_requests(balancer: Deployed) -> None:
    with serving("127.0.0.2") as [target], ThreadPoolExecutor(65) as pool:
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        stream = pool.submit(balancer.request, "/stream300")
        waiting = [pool.submit(balancer.request, "/wait") for _ in range(64)]
        wait_until(lambda: target.received["/wait"] == 64)
        checks = len(target.checks)

        durations = []
        for _ in range(20):
            started = time.monotonic()
            assert balancer.request("/200").status_code == 200
            durations.append(time.monotonic() - started)
            time.sleep(0.15)

        assert max(durations) < 1, durations
        intervals = [after - before for before, after in pairwise(target.checks[checks - 1 :])]
        assert len(intervals) >= 2
        assert max(intervals) < 1.5, intervals
        assert set(balancer.health().values()) == {HEALTHY}
        target.released.set()
        assert {each.result().status_code for each in [stream, *waiting]} == {200}


def test_a_client_that_leaves_ends_the_targets_request(balancer: Deployed) -> None:
    with serving("127.0.0.2") as [target]:
        balancer.register(target)
        balancer.wait_for(HEALTHY)
        host, port = balancer.aws.endpoint.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"GET /stream300 HTTP/1.1\r\nHost: {balancer.name}.alb.localhost\r\n\r\n".encode())
            client.recv(100)
        wait_until(target.broken.is_set)


def test_a_group_that_is_deleted_is_no_longer_checked(account: Aws) -> None:
    with serving("127.0.0.2") as [target]:
        with deployed(account) as balancer:
            balancer.register(target)
            balancer.wait_for(HEALTHY)
        time.sleep(0.1)  # for a check that was under way
        checks = len(target.checks)
        time.sleep(1.5)
    assert len(target.checks) == checks
