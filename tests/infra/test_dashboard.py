"""The dashboard shows the service's metrics and links the other products."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flask_onetrace.contract import ACCESS_LOGGER, DROPPED_METRIC, SINK_DIMENSION
from infra.environments import DEV
from infra.saved_queries import saved_queries
from local.emulator.logs.insights.query import run
from tests.infra.assembly import Assembly, Json
from tests.sample import CRUDDUR, names_of

COLUMNS = 24
BUSY_THREADS = "Busy threads of a worker, from 80 % on: expect none"
TITLES = [
    "Alarms",
    "Traffic",
    "Latency, seconds",
    "Errors a minute, and 5xx as % of requests",
    "Tasks",
    "CPU and memory, % of the tasks' own",
    BUSY_THREADS,
    "Longest wait for a thread, seconds: expect none",
    "Requests kept by the sampling rule, %",
    "Telemetry dropped a minute, by sink: expect none",
    "Errors by route",
]


def body_of(assembly: Assembly) -> Json:
    """Return the dashboard with every reference replaced by its logical name."""
    body = assembly.service.only("AWS::CloudWatch::Dashboard")["DashboardBody"]
    content: Json = json.loads("".join(map(text_of, body["Fn::Join"][1])))
    return content


def text_of(part: Any) -> str:  # noqa: ANN401 - a text or one of CloudFormation's functions
    if isinstance(part, str):
        return part
    [argument] = part.values()
    return argument if isinstance(argument, str) else "a-reference"


def widget(assembly: Assembly, title: str) -> Json:
    properties: list[Json] = [each["properties"] for each in body_of(assembly)["widgets"]]
    [match] = [each for each in properties if each.get("title") == title]
    return match


def labels(properties: Json) -> list[str]:
    metrics = [each[-1] for each in properties["metrics"]]
    return [each["label"] for each in metrics if each.get("visible", True) and each.get("label")]


def test_the_dashboard_has_these_widgets_and_none_overlaps_another(assembly: Assembly) -> None:
    widgets = body_of(assembly)["widgets"]
    assert [each["properties"].get("title") for each in widgets] == [None, *TITLES]
    cells = [
        (x, y)
        for each in widgets
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == COLUMNS - 1


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Traffic", ["requests a minute"]),
        ("Latency, seconds", ["p50", "p95", "p99"]),
        (TITLES[3], ["4xx", "5xx", "5xx by the load balancer", "5xx, % of requests, from 3 on"]),
        (TITLES[5], ["CPU, %", "memory, %"]),
        (TITLES[6], ["threads busy", "requests waiting"]),
        (TITLES[7], ["longest wait, seconds"]),
        (TITLES[8], ["sampled, %"]),
    ],
)
def test_the_lines_of_a_graph_have_readable_labels(title: str, names: list[str], dev: Assembly) -> None:
    assert labels(widget(dev, title)) == names


def test_the_desired_count_is_shown_with_container_insights(dev: Assembly, prod: Assembly) -> None:
    assert labels(widget(dev, "Tasks")) == ["healthy", "unhealthy"]
    assert labels(widget(prod, "Tasks")) == ["healthy", "unhealthy", "desired"]


def test_dropped_telemetry_has_a_line_per_sink(dev: Assembly) -> None:
    [[search]] = widget(dev, TITLES[9])["metrics"]
    metrics = f"{names_of('dev').metrics_namespace},{SINK_DIMENSION}"
    assert search["expression"] == f"SEARCH('{{{metrics}}} MetricName=\"{DROPPED_METRIC}\"', 'Sum', 60)"


def test_the_top_errors_widget_runs_the_saved_query(dev: Assembly) -> None:
    source, _, commands = widget(dev, "Errors by route")["query"].partition(" | ")
    assert source == f"SOURCE '{names_of(DEV.name).log_group}'"
    # A command follows SOURCE, so the comment at the head of the file must be gone.
    assert "#" not in commands
    lines = [{"logger": ACCESS_LOGGER, "method": "GET", "route": "/fault", "status": each} for each in (500, 500, 200)]
    events = [{"@message": json.dumps(line), "@timestamp": "2026-11-24 12:00:00.000"} for line in lines]
    rows = run(commands, events)
    assert rows == run(saved_queries(CRUDDUR)["errors-by-route"].text, events)
    assert [{each["field"]: each["value"] for each in row} for row in rows] == [
        {"method": "GET", "route": "/fault", "status": "500", "errors": "2"}
    ]


def test_there_are_links_to_x_ray_and_to_every_saved_query(dev: Assembly) -> None:
    text = body_of(dev)["widgets"][0]["properties"]["markdown"]
    for title in ("X-Ray map", "X-Ray traces", *(each.title for each in saved_queries(CRUDDUR).values())):
        assert f"[{title}](https://" in text


def test_a_link_to_a_home_page_names_the_setting_for_the_teams_own(assembly: Assembly) -> None:
    text = body_of(assembly)["widgets"][0]["properties"]["markdown"]
    assert "[Honeycomb board (set honeycomb_board)](https://ui.honeycomb.io)" in text
    assert "[Rollbar (set rollbar_items)](https://app.rollbar.com)" in text


def test_a_teams_own_board_and_project_are_linked(synthesized: Any) -> None:  # noqa: ANN401 - a fixture that is a function
    board, items = "https://ui.honeycomb.io/team/board/1", "https://app.rollbar.com/a/team/fix/items"
    assembly = synthesized("dev", image="plain", honeycomb_board=board, rollbar_items=items)
    text = body_of(assembly)["widgets"][0]["properties"]["markdown"]
    assert f"[Honeycomb board]({board})" in text
    assert f"[Rollbar]({items})" in text
    assert "(set " not in text


def test_the_stack_outputs_the_dashboards_url(dev: Assembly) -> None:
    url = dev.service.content["Outputs"]["Dashboard"]["Value"]["Fn::Join"][1]
    assert url[-1].endswith(f"#dashboards/dashboard/{CRUDDUR.name}-dev")
