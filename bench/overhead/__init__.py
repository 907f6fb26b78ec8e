"""Measure what telemetry costs a request."""
