"""Cruddur's backend: a Flask service observed four ways under one trace id."""

__version__ = "1.0.0"
