"""Observe a Flask app in Honeycomb, AWS X-Ray, CloudWatch Logs and Rollbar under one trace id."""
