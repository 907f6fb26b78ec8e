"""A command of the Flask CLI: `flask --app examples.flask_command:build restock 5`."""

from __future__ import annotations

import logging

import click
from flask import Flask

from flask_onetrace.telemetry import job, trace_id
from service.factory import create_app

log = logging.getLogger("restock")


def build() -> Flask:
    """Return the service's app with one command more."""
    app = create_app()

    @app.cli.command("restock")
    @click.argument("amount", type=int)
    def restock(amount: int) -> None:
        """Order AMOUNT pieces."""
        with job("restock", amount=amount):
            log.info("ordered")
            click.echo(trace_id())

    return app
