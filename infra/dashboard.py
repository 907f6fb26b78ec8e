"""Draw the wall: what the service does, how fast, what fails, what runs, and how much of it is observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from infra import console_urls
from infra.alarms import ERROR_PERCENT, SLOW_SECONDS, Alarms
from infra.metrics import Signals, dropped_by_sink, sampled_share
from infra.saved_queries import saved_queries
from service.contract import LOG_GROUP

WIDTH: Final = 8
"""Of the dashboard's 24 columns: three graphs side by side."""
HEIGHT: Final = 6
FULL_WIDTH: Final = 24
SHOWN: Final = Duration.hours(3)

HONEYCOMB: Final = "https://ui.honeycomb.io"
ROLLBAR: Final = "https://app.rollbar.com"
"""The products' front pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the other three products show the service: addresses, besides the console's region.

    Where the team has not said which board or project is its own, the link leads to the front page and says so.
    """

    region: str
    honeycomb_board: str | None
    rollbar_items: str | None

    def as_markdown(self) -> str:
        """Return them as one line of links, with the saved queries in another."""
        links = {
            "X-Ray map": console_urls.xray_map(self.region),
            "X-Ray traces": console_urls.xray_traces(self.region),
            **_own("Honeycomb board", self.honeycomb_board, HONEYCOMB, setting="honeycomb_board"),
            **_own("Rollbar", self.rollbar_items, ROLLBAR, setting="rollbar_items"),
        }
        queries = {
            each.title: each.console_link(region=self.region, log_group=LOG_GROUP) for each in saved_queries().values()
        }
        return f"{_linked(links)}\n\n{_linked(queries)}"


def _own(title: str, address: str | None, front_page: str, *, setting: str) -> dict[str, str]:
    return {title: address} if address is not None else {f"{title} (set {setting})": front_page}


def _linked(links: dict[str, str]) -> str:
    return " · ".join(f"[{title}]({address})" for title, address in links.items())


class Dashboard(Construct):
    """Create the dashboard, $3.00 a month beyond an account's first three."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, signals: Signals, alarms: Alarms, places: Places
    ) -> None:
        super().__init__(scope, construct_id)

        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name, default_interval=SHOWN)
        board.add_widgets(
            cloudwatch.TextWidget(markdown=f"# {name}\n\n{places.as_markdown()}", width=FULL_WIDTH, height=3)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(alarms=[*alarms.all], width=FULL_WIDTH, height=2, title="Alarms")
        )
        board.add_widgets(_traffic(signals), _latency(signals), _errors(signals))
        board.add_widgets(_tasks(signals), _load(signals), _sampled())
        board.add_widgets(_dropped(), _top_errors())
        self.address = console_urls.dashboard(places.region, name)


def _traffic(signals: Signals) -> cloudwatch.IWidget:
    return _graph("Traffic", [signals.requests()])


def _latency(signals: Signals) -> cloudwatch.IWidget:
    limit = cloudwatch.HorizontalAnnotation(value=SLOW_SECONDS, label="alarm at p99", color=cloudwatch.Color.RED)
    return _graph("Latency, seconds", [signals.latency(each) for each in ("p50", "p95", "p99")], limit=limit)


def _errors(signals: Signals) -> cloudwatch.IWidget:
    limit = cloudwatch.HorizontalAnnotation(value=ERROR_PERCENT, label="alarm", color=cloudwatch.Color.RED)
    counts = [
        signals.answers(elbv2.HttpCodeTarget.TARGET_4XX_COUNT, "4xx"),
        signals.answers(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, "5xx"),
        signals.balancer_errors(),
    ]
    return cloudwatch.GraphWidget(
        title="Errors a minute, and 5xx as % of requests",
        left=counts,
        right=[signals.error_share()],
        right_annotations=[limit],
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, max=100, show_units=False),
        width=WIDTH,
        height=HEIGHT,
    )


def _tasks(signals: Signals) -> cloudwatch.IWidget:
    desired = [signals.desired()] if signals.container_insights else []
    return _graph("Tasks", [signals.healthy(), signals.unhealthy(), *desired])


def _load(signals: Signals) -> cloudwatch.IWidget:
    return _graph("CPU and memory, % of the tasks' own", [signals.processor(), signals.memory()], most=100)


def _sampled() -> cloudwatch.IWidget:
    return _graph("Requests kept by the sampling rule, %", [sampled_share()], most=100)


def _dropped() -> cloudwatch.IWidget:
    return _graph("Telemetry dropped a minute, by sink: empty is well", [dropped_by_sink()])


def _top_errors() -> cloudwatch.IWidget:
    query = saved_queries()["errors-by-route"]
    return cloudwatch.LogQueryWidget(
        title=query.title,
        log_group_names=[LOG_GROUP],
        query_string=query.commands,
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        width=FULL_WIDTH - WIDTH,
        height=HEIGHT,
    )


def _graph(
    title: str,
    lines: list[cloudwatch.IMetric],
    *,
    limit: cloudwatch.HorizontalAnnotation | None = None,
    most: float | None = None,
) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=lines,
        left_annotations=[limit] if limit is not None else [],
        left_y_axis=cloudwatch.YAxisProps(min=0, max=most, show_units=False),
        width=WIDTH,
        height=HEIGHT,
    )
