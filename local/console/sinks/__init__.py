"""Read the health of each sink over time from the running service, as the page "Sinks" shows it."""
