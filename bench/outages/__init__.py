"""Measure what outages of the sinks do to requests."""
