"""Prepare what the application needs: `flask prepare`."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from orders import queue
from orders.database import Base, engine


@click.command()
@with_appcontext
def prepare() -> None:
    """Create the tables and the queue, unless they are there."""
    Base.metadata.create_all(engine())
    click.echo(f"queue: {queue.create()}")
