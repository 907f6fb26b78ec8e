"""Route the sample app's activities. Replace this blueprint with your own in `service/factory.py`."""

from __future__ import annotations

import logging
from uuid import UUID

from flask import Blueprint, request

from service.activities import (
    home_activities,
    notifications_activities,
    search_activities,
    show_activity,
    user_activities,
)
from service.activities.model import Activity

LOGGER = logging.getLogger(__name__)

blueprint = Blueprint("activities", __name__, url_prefix="/api/activities")


@blueprint.get("/home")
def data_home() -> list[Activity]:
    """Serve the home feed."""
    return home_activities.run()


@blueprint.get("/notifications")
def data_notifications() -> list[Activity]:
    """Serve the notifications."""
    return notifications_activities.run(logger=LOGGER)


@blueprint.get("/@<string:handle>")
def data_handle(handle: str) -> list[Activity]:
    """Serve one user's feed."""
    return user_activities.run(handle)


@blueprint.get("/search")
def data_search() -> list[Activity]:
    """Search the activities."""
    return search_activities.run(request.args.get("term", ""))


@blueprint.get("/<uuid:activity_uuid>")
def data_show_activity(activity_uuid: UUID) -> Activity:
    """Serve one activity."""
    return show_activity.run(activity_uuid)
