"""Create the CloudWatch dashboard: traffic, latency, errors, tasks and telemetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from flask_onetrace.contract import SLOW_SECONDS
from infra import console_urls
from infra.alarms import ERROR_PERCENT, Alarms
from infra.metrics import ServiceMetrics
from infra.names import Names
from infra.saved_queries import SavedQuery, saved_queries

WIDTH: Final = 8
"""Columns, of the dashboard's 24: three graphs side by side."""
HEIGHT: Final = 6
FULL_WIDTH: Final = 24
TIME_RANGE: Final = Duration.hours(3)

HONEYCOMB_HOME: Final = "https://ui.honeycomb.io"
ROLLBAR_HOME: Final = "https://app.rollbar.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """URLs of the service in X-Ray, Honeycomb and Rollbar, and of the saved queries.

    Without a board or project of the team's own, the link opens the product's home page and names the setting.
    """

    region: str
    names: Names
    honeycomb_board: str | None
    rollbar_items: str | None

    def as_markdown(self) -> str:
        """Return two lines of Markdown links: the products, then the saved queries."""
        links = {
            "X-Ray map": console_urls.xray_map(self.region),
            "X-Ray traces": console_urls.xray_traces(self.region),
            **_team_link("Honeycomb board", self.honeycomb_board, HONEYCOMB_HOME, setting="honeycomb_board"),
            **_team_link("Rollbar", self.rollbar_items, ROLLBAR_HOME, setting="rollbar_items"),
        }
        queries = {
            query.title: query.console_url(region=self.region, log_group=self.names.log_group)
            for query in saved_queries(self.names.application).values()
        }
        return f"{_markdown(links)}\n\n{_markdown(queries)}"


def _team_link(title: str, url: str | None, home_page: str, *, setting: str) -> dict[str, str]:
    return {title: url} if url is not None else {f"{title} (set {setting})": home_page}


def _markdown(links: dict[str, str]) -> str:
    return " · ".join(f"[{title}]({url})" for title, url in links.items())


class Dashboard(Construct):
    """Create the dashboard, $3.00 a month beyond an account's first three."""

    def __init__(
        self, scope: Construct, construct_id: str, *, metrics: ServiceMetrics, alarms: Alarms, links: Links
    ) -> None:
        super().__init__(scope, construct_id)
        names = links.names
        name = names.dashboard

        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name, default_interval=TIME_RANGE)
        board.add_widgets(
            cloudwatch.TextWidget(markdown=f"# {name}\n\n{links.as_markdown()}", width=FULL_WIDTH, height=3)
        )
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(alarms=[*alarms.all], width=FULL_WIDTH, height=2, title="Alarms")
        )
        board.add_widgets(_traffic(metrics), _latency(metrics), _errors(metrics))
        board.add_widgets(_tasks(metrics), _load(metrics), _threads(metrics))
        board.add_widgets(_queue(metrics), _sampled(metrics), _dropped(metrics))
        board.add_widgets(_top_errors(saved_queries(names.application)["errors-by-route"], names.log_group))
        self.url = console_urls.dashboard(links.region, name)


def _traffic(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    return _graph("Traffic", [metrics.requests()])


def _latency(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    limit = cloudwatch.HorizontalAnnotation(value=SLOW_SECONDS, label="alarm at p99", color=cloudwatch.Color.RED)
    return _graph("Latency, seconds", [metrics.latency(statistic) for statistic in ("p50", "p95", "p99")], limit=limit)


def _errors(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    limit = cloudwatch.HorizontalAnnotation(value=ERROR_PERCENT, label="alarm", color=cloudwatch.Color.RED)
    counts = [
        metrics.responses(elbv2.HttpCodeTarget.TARGET_4XX_COUNT, "4xx"),
        metrics.responses(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, "5xx"),
        metrics.balancer_errors(),
    ]
    return cloudwatch.GraphWidget(
        title="Errors a minute, and 5xx as % of requests",
        left=counts,
        right=[metrics.error_share()],
        right_annotations=[limit],
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, max=100, show_units=False),
        width=WIDTH,
        height=HEIGHT,
    )


def _tasks(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    desired = [metrics.desired_tasks()] if metrics.container_insights else []
    return _graph("Tasks", [metrics.healthy_targets(), metrics.unhealthy_targets(), *desired])


def _load(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    return _graph("CPU and memory, % of the tasks' own", [metrics.cpu(), metrics.memory()], maximum=100)


def _sampled(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    return _graph("Requests kept by the sampling rule, %", [metrics.sampled_share()], maximum=100)


def _threads(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    limit = cloudwatch.HorizontalAnnotation(value=metrics.threads, label="all threads", color=cloudwatch.Color.RED)
    title = "Busy threads of a worker, from 80 % on: expect none"
    return _graph(title, [metrics.threads_busy(), metrics.requests_waiting()], limit=limit)


def _queue(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    return _graph("Longest wait for a thread, seconds: expect none", [metrics.queue_seconds()])


def _dropped(metrics: ServiceMetrics) -> cloudwatch.IWidget:
    return _graph("Telemetry dropped a minute, by sink: expect none", [metrics.dropped_by_sink()])


def _top_errors(query: SavedQuery, log_group: str) -> cloudwatch.IWidget:
    return cloudwatch.LogQueryWidget(
        title=query.title,
        log_group_names=[log_group],
        query_string=query.commands,
        view=cloudwatch.LogQueryVisualizationType.TABLE,
        width=FULL_WIDTH,
        height=HEIGHT,
    )


def _graph(
    title: str,
    metrics: list[cloudwatch.IMetric],
    *,
    limit: cloudwatch.HorizontalAnnotation | None = None,
    maximum: float | None = None,
) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=metrics,
        left_annotations=[limit] if limit is not None else [],
        left_y_axis=cloudwatch.YAxisProps(min=0, max=maximum, show_units=False),
        width=WIDTH,
        height=HEIGHT,
    )
