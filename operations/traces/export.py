"""Export one trace in the formats of the field."""

from __future__ import annotations

from typing import Any

from operations.errors import OperatorError
from operations.traces import otlp, xray_export
from operations.traces.document import Place, Trace
from operations.traces.options import FORMATS


def exported(trace: Trace, form: str) -> Any:  # noqa: ANN401 - a JSON document
    """Return the trace as `otlp`, an OTLP JSON export request, or as `xray`, a list of segment documents.

    Raises `OperatorError` for another format, and where the place that has the format's items has none.
    """
    if form not in FORMATS:
        raise OperatorError(f"The format is {form!r}", f"Use {' or '.join(FORMATS)}")
    place, other = (Place.HONEYCOMB, Place.XRAY) if form == "otlp" else (Place.XRAY, Place.HONEYCOMB)
    items = trace.places[place].items
    if not items:
        alternative = f"Export it as {FORMATS[FORMATS.index(form) - 1]}"
        remedy = alternative if trace.places[other].items else "make trace without EXPORT= says why"
        raise OperatorError(f"{place.label} has nothing of {trace.trace_id} to export as {form}", remedy)
    return otlp.export_of(items) if form == "otlp" else xray_export.documents_of(items, trace.xray_trace_id)
