"""Take orders: a small Flask application with a database, a queue and a payment provider.

It knows nothing of what observes it: no module here imports `flask_onetrace`.
"""

from __future__ import annotations

import os

from flask import Flask

from orders import commands, database, routes


def create_app() -> Flask:
    """Return the application, configured by the environment."""
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE_URL=os.environ["DATABASE_URL"],
        API_KEY=os.environ["API_KEY"],
        ORDERS_QUEUE=os.environ.get("ORDERS_QUEUE", "orders"),
        PAYMENTS_URL=os.environ.get("PAYMENTS_URL", ""),
    )
    database.init_app(app)
    app.register_blueprint(routes.blueprint)
    app.cli.add_command(commands.prepare)
    return app
