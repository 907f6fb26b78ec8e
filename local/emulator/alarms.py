"""Evaluate the CloudWatch alarms once a minute, on single metrics and on metric math.

A minute may be shortened, for tests: the periods of all alarms then are that much shorter too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from math import floor
from typing import Any, Final

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from local.emulator import container_insights
from local.emulator.alarm_state import COMPARISONS, INSUFFICIENT_DATA, Evaluation, StateUpdate
from local.emulator.json_api import Json
from local.emulator.load_balancer_metrics import METRICS
from local.emulator.metric_math import Series, UnsupportedExpressionError, evaluate

PERIOD_OF_A_MINUTE: Final = 60
SAMPLES_A_MINUTE: Final = 12
"""How often a minute the numbers of healthy and unhealthy targets are looked at."""

ROUNDING: Final = 0.001
"""In periods."""

_logger: Final = logging.getLogger(__name__)


def install(minute: float = PERIOD_OF_A_MINUTE) -> None:
    """Publish AWS's own metrics and evaluate every alarm each `minute` (in seconds)."""
    # ministack compares the sum of all dimensions' data since N periods ago, at each call of PutMetricData.
    cloudwatch._evaluate_alarm = lambda _alarm: None
    threading.Thread(target=_run, args=(minute,), name="cloudwatch-alarms", daemon=True).start()


def alarms_in_alarm(names: Iterable[str]) -> list[str]:
    """Return which of the alarms, metric or composite, are in ALARM in the caller's account and region."""
    alarms = ((name, cloudwatch._alarms.get(name) or cloudwatch._composite_alarms.get(name)) for name in names)
    return [name for name, alarm in alarms if alarm is not None and alarm["StateValue"] == "ALARM"]


def evaluated_seconds(name: str, minute: float = PERIOD_OF_A_MINUTE) -> float:
    """Return the seconds that an alarm's evaluation periods span, 0 for an alarm that does not exist."""
    alarm = cloudwatch._alarms.get(name)
    return 0.0 if alarm is None else _period(alarm, minute / PERIOD_OF_A_MINUTE) * int(alarm["EvaluationPeriods"])


def _run(minute: float) -> None:
    start = time.time() // minute * minute
    while True:
        try:
            _pass_minute(start, minute)
        except Exception:
            _logger.exception("the metrics of a minute were not published")
        start += minute
        evaluate_alarms(start, minute)


def _pass_minute(start: float, minute: float) -> None:
    """Wait until the minute that began at `start` has ended, and publish its metrics."""
    for sample in range(1, SAMPLES_A_MINUTE + 1):
        METRICS.sample_hosts()
        time.sleep(max(0.0, start + sample * minute / SAMPLES_A_MINUTE - time.time()))
    METRICS.publish(start)
    container_insights.publish(start)


def evaluate_alarms(now: float, minute: float) -> None:
    """Evaluate every alarm of every account on the periods before `now` (seconds since the epoch)."""
    for (account, region, name), alarm in cloudwatch._alarms.all_items():
        with request_scope(account, region):
            try:
                update = _evaluated(alarm, now, minute / PERIOD_OF_A_MINUTE)
                if update is not None:
                    _apply(alarm, update, now)
            except Exception:
                _logger.exception("the alarm %s was not evaluated", name)


def _evaluated(alarm: Json, now: float, scale: float) -> StateUpdate | None:
    queries = alarm.get("Metrics") or [_query(alarm)]
    comparison = alarm["ComparisonOperator"]
    if comparison not in COMPARISONS:
        return StateUpdate(INSUFFICIENT_DATA, f"Not emulated: {comparison}")
    periods = int(alarm["EvaluationPeriods"])
    evaluation = Evaluation(
        evaluation_periods=periods,
        datapoints_to_alarm=int(alarm.get("DatapointsToAlarm") or periods),
        comparison=comparison,
        threshold=float(alarm["Threshold"]),
        missing_data=alarm.get("TreatMissingData") or "missing",
    )
    period = _period(alarm, scale)
    times = [now - period * age for age in range(evaluation.range, 0, -1)]
    try:
        series = evaluate(queries, lambda stat: _series(stat, times, period))
    except UnsupportedExpressionError as error:
        return StateUpdate(INSUFFICIENT_DATA, f"Not emulated: {error}")
    return evaluation.state(series, alarm["StateValue"], times)


def _period(alarm: Json, scale: float) -> float:
    """Return the seconds of one period."""
    queries = alarm.get("Metrics") or [_query(alarm)]
    periods = (int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query)
    return scale * max(periods, default=PERIOD_OF_A_MINUTE)


def _query(alarm: Json) -> Json:
    """Return the query of an alarm on a single metric."""
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions") if alarm.get(name)}
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    return {"Id": "m1", "MetricStat": {"Metric": metric, "Period": alarm["Period"], "Stat": statistic}}


def _series(stat: Json, times: Sequence[float], period: float) -> Series:
    """Return the statistic of a metric for the periods that begin at `times`."""
    metric = stat["Metric"]
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(metric.get("Dimensions") or ()))
    points = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], dimensions), ())
    by_period: dict[int, list[Any]] = {}
    for point in points:
        # A point at the very beginning of a period must not fall before it by a rounding error.
        index = floor((point["Timestamp"] - times[0]) / period + ROUNDING)
        by_period.setdefault(index, []).append(point)
    return tuple(_statistic(by_period.get(index, ()), stat["Stat"]) for index in range(len(times)))


def _statistic(points: Sequence[Any], name: str) -> float | None:
    statistics = cloudwatch._calc_stats(points)
    value = cloudwatch._stat_value(statistics, name, points) if statistics else None
    return None if value is None else float(value)


def _apply(alarm: Json, update: StateUpdate, now: float) -> None:
    """Move the alarm to its new state, as ministack's SetAlarmState does: history, actions, composite alarms."""
    old = alarm["StateValue"]
    if old == update.state:
        # Without a change CloudWatch keeps the reason of the last one; the first one is that of no evaluation yet.
        if update.state == INSUFFICIENT_DATA:
            alarm["StateReason"] = update.reason
        return
    changed = {"StateUpdatedTimestamp": int(now), "StateTransitionedTimestamp": int(now)}
    alarm.update(StateValue=update.state, StateReason=update.reason, **changed)
    cloudwatch._record_history(alarm["AlarmName"], old, update.state, update.reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, update.state, update.reason)
    cloudwatch._evaluate_parent_alarms(alarm)
