"""An application that knows nothing of what observes it."""

import logging

from flask import Flask

app = Flask(__name__)


@app.get("/bookings/<int:number>")
def show(number: int) -> dict[str, int]:
    logging.getLogger("bookings").warning("booking %d was shown", number)
    return {"number": number}


@app.get("/fault")
def fault() -> str:
    raise RuntimeError("the booking is lost")
