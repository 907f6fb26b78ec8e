"""Keep orders in PostgreSQL."""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

EXTENSION: Final = "orders-database"


class Base(DeclarativeBase):
    """The tables."""


class Order(Base):
    """An order, which is paid once it has the id of a charge."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    quantity: Mapped[int]
    charge_id: Mapped[str | None]

    def as_json(self) -> dict[str, object]:
        """Return what the API shows of it."""
        return {"id": self.id, "item": self.item, "quantity": self.quantity, "paid": self.charge_id is not None}


def init_app(app: Flask) -> None:
    """Give `app` an engine; the first query connects."""
    app.extensions[EXTENSION] = create_engine(app.config["DATABASE_URL"], pool_pre_ping=True)


def engine() -> Engine:
    """Return the engine of the current application."""
    value: Engine = current_app.extensions[EXTENSION]
    return value


def session() -> Session:
    """Return a new session, a context manager."""
    return Session(engine())
