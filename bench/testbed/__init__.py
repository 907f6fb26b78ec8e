"""Run the service under gunicorn with fake servers of its four sinks, for the benches that observe it from outside."""
