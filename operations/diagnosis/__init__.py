"""Find why a deployment's telemetry does not arrive, with read permissions only."""
