"""Compare each part of the telemetry with the stock part that it replaces."""
