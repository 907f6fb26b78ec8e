"""An application that knows nothing of this project."""

from flask import Flask


def create_app() -> Flask:
    app = Flask("bookings")
    app.add_url_rule("/healthz", "health", lambda: "fine")
    app.add_url_rule("/bookings", "bookings", lambda: ("log in first", 401))
    return app
