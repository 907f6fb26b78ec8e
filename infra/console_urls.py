"""Build URLs of the AWS console. AWS documents no format: these are like the links that the console itself copies."""

from __future__ import annotations

import re
from typing import Final

from flask_onetrace.contract import XRAY_TRACE_ID_FIELD

TIME_RANGE_SECONDS: Final = 3 * 3600


def xray_traces(region: str) -> str:
    """Return the URL of the trace list."""
    return f"{_cloudwatch(region)}#xray:traces/query"


def xray_trace(region: str, trace_id: str) -> str:
    """Return the URL of one trace, by its id in X-Ray's format."""
    return f"{_cloudwatch(region)}#xray:traces/{trace_id}"


def xray_trace_template(region: str) -> str:
    """Return the URL of one trace with `XRAY_TRACE_ID_FIELD` in its id's place."""
    return xray_trace(region, XRAY_TRACE_ID_FIELD)


def xray_map(region: str) -> str:
    """Return the URL of the trace map."""
    return f"{_cloudwatch(region)}#xray:service-map/map"


def dashboard(region: str, name: str) -> str:
    """Return the URL of a dashboard."""
    return f"{_cloudwatch(region)}#dashboards/dashboard/{name}"


def logs_insights(region: str, *, query: str, log_group: str) -> str:
    """Return the URL that opens `query` over the last three hours.

    After `queryDetail`, any character but a letter, digit or one of `_.-` is `*` and two hexadecimal digits.
    """
    detail = (
        f"~(end~0~start~-{TIME_RANGE_SECONDS}~timeType~'RELATIVE~unit~'seconds"
        f"~editorString~'{_escaped(query)}~source~(~'{_escaped(log_group)}))"
    )
    return f"{_cloudwatch(region)}#logsV2:logs-insights$3FqueryDetail$3D{detail}"


def _cloudwatch(region: str) -> str:
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"


def _escaped(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", lambda match: f"*{ord(match[0]):02x}", text)
