"""Make random JSON values and texts, with what breaks parsers among them."""

from __future__ import annotations

import random
from typing import Any

TEXTS = (
    "", "a", "-", '"', "\\", ":", ">", ">=", "*", "\x00", "\x1b[31m", "\u202e", "\ud800", "é", "日本",
    "[red]", "x" * 500, "status", "5xx", "1e999", "nan", "-1", "6b0c919a7735994d61ed9abf595dfc91", "\n", "\t",
)  # fmt: skip


def text(chance: random.Random) -> str:
    return "".join(chance.choices(TEXTS, k=chance.randrange(4)))


def value(chance: random.Random, depth: int = 3) -> Any:  # noqa: ANN401 - any JSON
    kind = chance.randrange(9 if depth else 6)
    scalars = (None, True, chance.randrange(-(2**70), 2**70), chance.uniform(-1e9, 1e9), float("inf"), text(chance))
    if kind < len(scalars):
        return scalars[kind]
    if kind == 6:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {text(chance): value(chance, depth - 1) for _ in range(chance.randrange(4))}


def nested(levels: int, inner: Any = 0) -> Any:  # noqa: ANN401 - any JSON
    """Return lists and objects within each other."""
    for level in range(levels):
        inner = [inner] if level % 2 else {"a": inner}
    return inner


def hostile(chance: random.Random) -> Any:  # noqa: ANN401 - any JSON
    """Return a value that JSON can have and some encoder cannot write."""
    return chance.choice(
        (
            10 ** chance.choice((19, 30, 400, 4200)),
            -(10**30),
            float("nan"),
            float("-inf"),
            1e308,
            "\ud800",
            "x\udfff\ud800",
            {"\ud800": 1, "__proto__": {}},
            nested(chance.choice((100, 250, 900))),
            -5e10,
            1e15,
            value(chance),
        )
    )


def mutated(document: Any, chance: random.Random, rate: float = 0.1) -> Any:  # noqa: ANN401 - any JSON
    """Return the document with parts of it replaced or removed."""
    if chance.random() < rate:
        return value(chance)
    if isinstance(document, dict):
        return {key: mutated(each, chance, rate) for key, each in document.items() if chance.random() > rate / 2}
    if isinstance(document, list):
        return [mutated(each, chance, rate) for each in document]
    return document


def damaged(document: Any, chance: random.Random, rate: float = 0.05) -> Any:  # noqa: ANN401 - any JSON
    """Return the document with hostile values in it, and hostile keys beside its own."""
    if chance.random() < rate:
        return hostile(chance)
    if isinstance(document, dict):
        own = {key: damaged(each, chance, rate) for key, each in document.items()}
        return own | ({text(chance): hostile(chance)} if chance.random() < rate else {})
    if isinstance(document, list):
        return [damaged(each, chance, rate) for each in document]
    return document
