"""A request and the worker that handles its message have one trace: Celery over Redis, and SQS."""

from __future__ import annotations
