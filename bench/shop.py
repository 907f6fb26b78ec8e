"""Build the Flask app that every variant serves: the tutorial's two handlers, and one that raises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from flask import Flask

from bench.paths import FAULT, HOME, NOTIFICATIONS
from service.activities.model import Activity, activity, reply

Feed = list[Activity]


def home_feed(now: datetime) -> Feed:
    """Return three activities, one of them with a reply."""
    first = "68f126b0-1ceb-4a33-88be-d90fa7109eee"
    day = timedelta(days=1)
    first_reply = reply(
        uuid="26e12864-1c26-5c3a-9658-97a10f8fea67",
        to=first,
        handle="Worf",
        message="This post has no honor!",
        created_at=now - 2 * day,
    )
    texts = {"Andrew Brown": "Cloud is fun!", "Worf": "I am out of prune juice", "Garek": "I am just simple tailor"}
    feed = [
        activity(uuid=first, handle=handle, message=message, created_at=now - 2 * day, expires_at=now + 5 * day)
        for handle, message in texts.items()
    ]
    feed[0]["replies"] = [first_reply]
    return feed


def notifications(now: datetime) -> Feed:
    """Return one notification."""
    return home_feed(now)[:1]


def now() -> datetime:
    """Return the local time, as the tutorial's handlers do."""
    return datetime.now(UTC).astimezone()


def create_app(home: Callable[[], Any], notify: Callable[[], Any]) -> Flask:
    """Return an app with `home` and `notify` as its handlers, and one that raises."""
    app = Flask("shop")
    app.add_url_rule(HOME, "home", home)
    app.add_url_rule(NOTIFICATIONS, "notifications", notify)

    @app.get(FAULT)
    def fault() -> NoReturn:
        raise RuntimeError("deliberate")

    return app
