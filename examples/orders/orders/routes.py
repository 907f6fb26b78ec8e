"""Route the API of orders."""

from __future__ import annotations

import hmac
import logging
from typing import Any, Final

from flask import Blueprint, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from orders import payments, queue
from orders.database import Order, session

log = logging.getLogger(__name__)
blueprint = Blueprint("orders", __name__)
MOST: Final = 1000
"""Pieces in one order."""


@blueprint.get("/healthz")
def health() -> ResponseReturnValue:
    """Answer the load balancer."""
    return {"status": "ok"}


@blueprint.get("/orders")
def index() -> ResponseReturnValue:
    """List the newest orders, for callers with the key."""
    require_key()
    with session() as current:
        return jsonify([each.as_json() for each in current.scalars(select(Order).order_by(Order.id.desc()).limit(20))])


@blueprint.get("/orders/<int:order_id>")
def show(order_id: int) -> ResponseReturnValue:
    """Return one order."""
    require_key()
    with session() as current:
        order = current.get(Order, order_id)
        return order.as_json() if order is not None else abort(404)


@blueprint.post("/orders")
def create() -> ResponseReturnValue:
    """Store an order, charge for it and tell the warehouse."""
    require_key()
    item, quantity = requested()
    with session() as current:
        order = Order(item=item, quantity=quantity)
        current.add(order)
        current.flush()
        order.charge_id = payments.charge(order.id, quantity)
        current.commit()
        queue.send(order.id)
        log.info("ordered", extra={"order": order.id, "item": item, "quantity": quantity})
        return order.as_json(), 201


@blueprint.post("/charges")
def charge() -> ResponseReturnValue:
    """Play the payment provider where none is configured."""
    order = request.get_json().get("order")
    return {"id": f"charge-{order}"}


def require_key() -> None:
    """End the request with 401 unless it has the API's key."""
    if not hmac.compare_digest(request.headers.get("X-Api-Key", "").encode(), current_app.config["API_KEY"].encode()):
        abort(401)


def requested() -> tuple[str, int]:
    """Return the item and the quantity of the request, or end it with 400."""
    body: Any = request.get_json()
    match body:
        case {"item": str(item), "quantity": int(quantity)} if item and 0 < quantity <= MOST:
            return item, quantity
    return abort(400, f"send an item and a quantity from 1 to {MOST}")
