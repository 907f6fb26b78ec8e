from __future__ import annotations

from pathlib import Path

import pytest
import requests

from infra.application import Application, Request
from local.smoke_test.probes import Answer, Probe, _shown, probes_of
from tests.sample import CRUDDUR

SHOP = Application(
    name="Shop",
    service_name="Shop",
    folder=Path("/shop"),
    smoke_test=Request(path="/things", status=201, headers={"X-Key": "$API_KEY"}),
)


def test_the_descriptions_request_has_the_values_of_the_task() -> None:
    probe = probes_of(SHOP, {"API_KEY": "of the task"}, runtime=True)[0]

    assert (probe.path, probe.status, probe.headers) == ("/things", 201, {"X-Key": "of the task"})


@pytest.mark.parametrize("application", [SHOP, CRUDDUR], ids=["any", "sample"])
def test_every_application_fails_on_purpose_at_the_runtimes_path(application: Application) -> None:
    fault = probes_of(application, {"API_KEY": "of the task"}, runtime=True)[1]

    assert (fault.path, fault.status) == ("/_onetrace/fault", 500)
    assert fault.backends == ("Honeycomb", "X-Ray", "CloudWatch Logs", "Rollbar")


def test_of_an_image_without_the_runtime_the_status_of_the_descriptions_request_is_checked_alone() -> None:
    [probe] = probes_of(SHOP, {"API_KEY": "of the task"}, runtime=False)

    assert (probe.path, probe.status, probe.backends) == ("/things", 201, ())
    assert Answer(probe, 201, "").problem is None
    assert Answer(probe, 500, "").problem == "GET /things returned 500, expected 201"


@pytest.mark.parametrize(
    ("location", "remedy"),
    [
        ("/login?next=%2F", "Set [smoke_test] status = 302, or a path that needs no login"),
        ("http://127.0.0.1:1/things/", 'Set [smoke_test] path = "/things/"'),
        ("/things/?page=1", 'Set [smoke_test] path = "/things/"'),
    ],
)
def test_an_unexpected_redirect_says_where_it_leads_and_what_to_set(location: str, remedy: str) -> None:
    answer = Answer(Probe(path="/things", status=200, backends=()), 302, "", "Redirecting", location)

    assert answer.problem == f"GET /things returned 302 to {location}, expected 200"
    assert answer.remedy == remedy


def test_an_expected_redirect_is_no_problem() -> None:
    answer = Answer(Probe(path="/", status=302, backends=()), 302, "0" * 32, "", "/login")

    assert (answer.problem, answer.remedy) == (None, None)


@pytest.mark.parametrize(
    ("body", "content_type", "shown"),
    [
        (
            "<!doctype html>\n<title>500 Internal\nServer Error</title> Either the s",
            "text/html",
            "500 Internal Server Error",
        ),
        ("<p>no title", "text/html; charset=utf-8", ""),
        ('{"error":\n"full"}', "application/json", '{"error": "full"}'),
        ("x" * 201, "text/plain", "x" * 200 + "…"),
    ],
)
def test_a_page_is_shown_by_its_title_and_another_body_by_its_beginning(
    body: str, content_type: str, shown: str
) -> None:
    response = requests.Response()
    response._content, response.headers["Content-Type"] = body.encode(), content_type

    assert _shown(response) == shown
