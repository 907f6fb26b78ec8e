"""Fakes of the services that need an account or a container: Honeycomb, Rollbar and the X-Ray daemon.

Each listens on 127.0.0.1, stores the newest items and returns them by trace id. They implement the part of each
protocol that this project uses.
"""
