"""The benchmarks' paths, and the service's name. The module imports nothing, because imports are measured."""

HOME = "/api/activities/home"
NOTIFICATIONS = "/api/activities/notifications"
FAULT = "/api/fault"
HEALTH_CHECK = "/api/health-check"

SERVICE_NAME = "Backend-Flask"
"""In every variant the same: a longer one would be more bytes in each span."""
