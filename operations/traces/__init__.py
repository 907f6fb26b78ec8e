"""Read one trace, or the newest requests, from the four places that a deployment sends its telemetry to."""
