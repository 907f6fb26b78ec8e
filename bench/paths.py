"""Paths that the benchmarks request. The module imports nothing, because imports are measured."""

HOME = "/api/activities/home"
NOTIFICATIONS = "/api/activities/notifications"
FAULT = "/api/fault"
