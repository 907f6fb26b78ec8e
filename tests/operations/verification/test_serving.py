"""A deployment is verified once its URL serves the version in several responses in a row, and keeps a trace id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH, TRACE_ID_HEADER
from local.fakes.server import LocalServer
from operations import verify
from operations.errors import OperatorError
from operations.verification.serving import IN_A_ROW, Clock, Expected, outcome, wait_until_serving
from operations.verification.subject import Subject
from tests.sample import CRUDDUR

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

EXPECTED = Expected(CRUDDUR, "prod", "v2")
SINKS = {"xray": {"on": True}, "rollbar": {"on": False, "because": "ROLLBAR_ACCESS_TOKEN is not set"}}
HEALTH = {"status": "ok", "version": "v2", "environment": "prod", "sinks": SINKS}
NEW_TRACE = f"00-{'a' * 32}-{'b' * 16}-01"
Answer = Callable[[], Response]


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


class Target:
    """A service with one answer after the other; the last one stays."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests = 0
        self.app = Flask("target")
        self.app.get(RUNTIME_HEALTH_CHECK_PATH)(self._answer)
        self.app.get(CRUDDUR.smoke_test.path, endpoint="smoke test")(self._answer_smoke_test)
        self.smoke_test: Answer = health()

    def _answer_smoke_test(self) -> Response:
        return self.smoke_test()

    def _answer(self) -> Response:
        self.requests += 1
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()


def health(**changes: Any) -> Answer:  # noqa: ANN401 - any JSON value
    def answer() -> Response:
        response = jsonify(HEALTH | changes)
        response.headers[TRACE_ID_HEADER] = request.headers.get("traceparent", NEW_TRACE).split("-")[1]
        return response

    return answer


@pytest.fixture
def target() -> Iterator[tuple[Target, str]]:
    fake = Target()
    with closing(LocalServer(fake.app)) as server:
        yield fake, server.url


def test_several_responses_in_a_row_have_to_be_right(target: tuple[Target, str]) -> None:
    fake, url = target
    fake.answers = [health(version="v1"), health(), health(), health(version="v1"), health()]
    assert wait_until_serving(f"{url}/", EXPECTED, deadline=60, pause=1, clock=FakeClock().clock) == SINKS
    assert fake.requests == 4 + IN_A_ROW


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            health(version="v1"),
            "answers with version 'v1' instead of 'v2'. Deploy it, or pass the deployed",
        ),
        (health(environment="dev"), "answers with environment 'dev' instead of 'prod'"),
        (health(status="starting"), "which is no health check"),
        (lambda: Response("<title>404", status=200), "answered '<title>404', which is no health check"),
        (lambda: Response("[]"), "answered '[]', which is no health check"),
        (lambda: Response("x" * 1000, status=503), f"answered 503: '{'x' * 200}'. Read the log lines"),
        (lambda: Response(status=302, headers={"Location": "/elsewhere"}), "answered 302"),
        (lambda: jsonify(HEALTH), "answered with X-Trace-Id None to a request of the trace"),
    ],
)
def test_what_is_not_right_until_the_deadline_is_named_with_what_to_do(
    target: tuple[Target, str], answer: Answer, message: str
) -> None:
    fake, url = target
    fake.answers = [answer]
    with pytest.raises(OperatorError) as error:
        wait_until_serving(url, EXPECTED, deadline=3, pause=1, clock=FakeClock().clock)
    assert str(error.value).startswith(f"After 3 s: {url}{RUNTIME_HEALTH_CHECK_PATH} answer")
    assert message in str(error.value)
    assert fake.requests == 4


def refusing() -> Response:
    response = Response("no such activity", status=404)
    response.headers[TRACE_ID_HEADER] = request.headers["traceparent"].split("-")[1]
    return response


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refusing, "/api/activities/home answered 404 instead of 200: 'no such activity'. Look up the request's log"),
        (lambda: jsonify([]), "/api/activities/home answered with X-Trace-Id None to a request of the trace"),
    ],
)
def test_the_request_of_the_smoke_test_has_to_be_answered_as_it_is_described(
    target: tuple[Target, str], answer: Answer, message: str
) -> None:
    fake, url = target
    fake.answers = [health()]
    fake.smoke_test = answer
    with pytest.raises(OperatorError) as error:
        wait_until_serving(url, EXPECTED, deadline=5, pause=1, clock=FakeClock().clock)
    assert message in str(error.value)


def test_a_secret_in_a_header_of_the_smoke_test_is_taken_from_the_environment(
    target: tuple[Target, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, url = target
    fake.answers = [health()]
    headers: list[str | None] = []

    def authorized() -> Response:
        headers.append(request.headers.get("X-Api-Key"))
        return health()()

    fake.smoke_test = authorized
    test = replace(CRUDDUR.smoke_test, headers={"X-Api-Key": "$API_KEY"})
    expected = EXPECTED._replace(application=replace(CRUDDUR, secrets={"API_KEY": "api-key"}, smoke_test=test))
    monkeypatch.delenv("API_KEY", raising=False)
    with pytest.raises(OperatorError, match="needs API_KEY, which is not set"):
        wait_until_serving(url, expected, deadline=5, pause=1, clock=FakeClock().clock)
    monkeypatch.setenv("API_KEY", "s3cret")
    wait_until_serving(url, expected, deadline=5, pause=1, clock=FakeClock().clock)
    assert headers == ["s3cret"]


def test_where_users_log_in_no_page_is_requested(target: tuple[Target, str]) -> None:
    fake, url = target
    fake.answers, fake.smoke_test = [health()], refusing
    expected = EXPECTED._replace(has_login=True)
    assert wait_until_serving(url, expected, deadline=5, pause=1, clock=FakeClock().clock) == SINKS


def test_the_version_is_the_runtimes_where_the_health_check_is_a_route_of_the_applications_own(
    target: tuple[Target, str],
) -> None:
    fake, url = target
    fake.answers = [health()]
    fake.app.get(CRUDDUR.health_check_path)(lambda: {"status": "ok", "version": "its own"})
    assert wait_until_serving(url, EXPECTED, deadline=5, pause=1, clock=FakeClock().clock) == SINKS
    assert fake.requests == IN_A_ROW


def test_a_path_that_the_runtime_does_not_answer_is_named_with_the_key_of_an_image_without_it(
    target: tuple[Target, str],
) -> None:
    fake, url = target
    fake.answers = [lambda: Response("not found", status=404)]
    with pytest.raises(OperatorError, match=r"answered 404: 'not found'.*or set `runtime = false` in onetrace.toml"):
        wait_until_serving(url, EXPECTED, deadline=0, pause=1, clock=FakeClock().clock)


@pytest.mark.parametrize("status", [200, 204])
def test_an_image_without_the_runtime_is_verified_by_its_own_health_check_and_smoke_test(
    target: tuple[Target, str], status: int
) -> None:
    fake, url = target
    fake.app.get("/healthz", endpoint="own")(lambda: ("", status))
    fake.smoke_test = lambda: Response("fine")
    image = replace(CRUDDUR.image, has_runtime=False)
    expected = EXPECTED._replace(application=replace(CRUDDUR, image=image, health_check_path="/healthz"))
    assert wait_until_serving(url, expected, deadline=0, pause=1, clock=FakeClock().clock) == {}
    assert fake.requests == 0
    fake.smoke_test = refusing
    with pytest.raises(OperatorError, match="answered 404 instead of 200"):
        wait_until_serving(url, expected, deadline=0, pause=1, clock=FakeClock().clock)


def test_what_was_not_verified_is_printed_with_the_reason() -> None:
    without_runtime = replace(CRUDDUR, image=replace(CRUDDUR.image, has_runtime=False))
    expected = EXPECTED._replace(application=without_runtime, has_login=True)
    assert outcome("https://x", expected) == (
        "https://x is healthy. Version and trace ids were not checked: the image has no runtime.\n"
        "The smoke test was skipped: users log in at the load balancer, which would redirect it.\n"
    )


def test_an_address_that_does_not_answer_is_named(target: tuple[Target, str]) -> None:
    url = target[1].rpartition(":")[0] + ":9"
    with pytest.raises(
        OperatorError, match=r"After 0 s: No response from http://127\.0\.0\.1:9/.* \(ConnectionError\)"
    ):
        wait_until_serving(url, EXPECTED, deadline=0, pause=1, clock=FakeClock().clock)


def test_the_command_prints_which_sinks_are_on(
    target: tuple[Target, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake, url = target
    fake.answers = [health()]
    subject = Subject(
        url=url,
        name="Cruddur prod",
        application=CRUDDUR,
        environment="prod",
        expected_environment="prod",
        expected_version="v2",
    )
    monkeypatch.setattr(verify, "subject_of_environment", lambda _environment, _version: subject)
    assert verify.main(["--environment", "prod", "--version", "v2"], clock=FakeClock().clock) == 0
    assert capsys.readouterr().out.startswith(
        f"{url} serves v2 of prod, and traces requests.\n"
        "  rollbar: off, because ROLLBAR_ACCESS_TOKEN is not set\n"
        "  xray: on\n"
    )


def test_without_credentials_it_fails_and_says_what_to_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert verify.main(["--environment", "prod", "--version", "v2"]) == 1
    assert "Use credentials of its account, with cloudformation:DescribeStacks" in capsys.readouterr().err
