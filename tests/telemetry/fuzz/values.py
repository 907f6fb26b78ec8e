"""Generate values of every kind that Python can hold, and that a handler may give to telemetry by mistake.

Each function takes a seeded generator, so that a failure repeats.
"""

from __future__ import annotations

import enum
import itertools
import random
import threading
import uuid
from collections import OrderedDict, UserDict, UserList, UserString, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from unittest.mock import MagicMock, Mock

from werkzeug.local import LocalProxy

from tests.telemetry.fuzz import hostile

Value = Any
"""Any value: that is the point."""

TEXTS = (
    "",
    "text",
    "Zürich → 東京 🚀",
    "\ud800",
    "lone \udfff surrogate",
    "\x00\x1b[31m\x7f\x85\u2028",
    '"quoted" \\ {braces} %s %(name)s %',
    "x" * 300,
    "y" * 40_000,
    "é" * 9_000,
    "2026-01-01T00:00:00",
    "a.b-c d",
    " ",
)
INTEGERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64, -(2**70), 10**5000)
FLOATS = (0.0, -0.0, 1.5, 1e300, 5e-324, float("nan"), float("inf"), float("-inf"))


class Level(enum.IntEnum):
    LOW = 1
    HUGE = 2**70


class Priced(int, enum.Enum):
    CHEAP = 5


class Named(str, enum.Enum):  # noqa: UP042 - as applications have it
    FIRST = "first"


class Plain(enum.Enum):
    LIST = [1, 2]  # noqa: RUF012 - the value of a member


class NumpyFloat(float):
    """A float that prints as numpy's do."""

    def __repr__(self) -> str:
        return f"np.float64({float(self)!r})"

    __str__ = __repr__


class NumpyInteger:
    """An integer that is no `int`, as numpy's are none."""

    def __init__(self, value: int) -> None:
        self._value = value

    def __index__(self) -> int:
        return self._value

    def __int__(self) -> int:
        return self._value

    def item(self) -> int:
        return self._value

    def __repr__(self) -> str:
        return f"np.int64({self._value})"


class NumpyArray:
    """An array whose truth value is ambiguous, as numpy's is."""

    shape = (3,)

    def __bool__(self) -> bool:
        raise ValueError("The truth value of an array with more than one element is ambiguous")

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[NumpyFloat]:
        return iter([NumpyFloat(1), NumpyFloat(2), NumpyFloat(3)])

    def __eq__(self, other: object) -> Any:  # noqa: ANN401 - an array of truth values
        return self

    __hash__ = None  # type: ignore[assignment]  # as numpy's

    def tolist(self) -> list[float]:
        return [1.0, 2.0, 3.0]


class LazyText:
    """A text that is translated when it is shown, as Flask-Babel's."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of a text
        return getattr(self._text, name)


class Endless(Sequence[int]):
    """A sequence that never ends."""

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - as a sequence
        return 1


class EndlessMapping(Mapping[str, int]):
    """A mapping that never ends."""

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())


class Node:
    """An object of an application, with whatever it refers to."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - any
        vars(self).update(attributes)


@dataclass
class Record:
    name: str
    parent: Self | None = None
    children: list[Any] = field(default_factory=list)


Point = namedtuple("Point", "x y password")


def _clique(size: int) -> list[Node]:
    nodes = [Node() for _ in range(size)]
    for node in nodes:
        node.peers = list(nodes)  # type: ignore[attr-defined]  # set at run time
    return nodes


def _wide_graph() -> Node:
    """Return what an ORM's engine looks like: thousands of objects that all know each other."""
    nodes = [Node(number=number, registry={}) for number in range(3_000)]
    registry = {node.number: node for node in nodes}  # type: ignore[attr-defined]  # set at run time
    for node in nodes:
        node.registry = registry  # type: ignore[attr-defined]  # as above
        node.peers = nodes  # type: ignore[attr-defined]  # as above
    return nodes[0]


def _deep(of: Callable[[Value], Value], levels: int) -> Value:
    value: Value = "bottom"
    for _ in range(levels):
        value = of(value)
    return value


def _recursive_list() -> list[Any]:
    values: list[Any] = [1]
    values.append(values)
    return values


def _recursive_dict() -> dict[str, Any]:
    values: dict[str, Any] = {}
    values["self"] = [values, {"again": values}]
    return values


def _unbound() -> Any:  # noqa: ANN401 - a proxy without an object
    raise RuntimeError("working outside of the context")


def _record_tree() -> Record:
    record = Record("root")
    record.children = [record, Record("leaf", record)]
    return record


class Changing(dict[str, Any]):
    """A dict that another thread changes while it is read."""

    def __init__(self) -> None:
        super().__init__({str(number): number for number in range(50)})
        self._stop = threading.Event()

    def items(self) -> Any:  # noqa: ANN401 - a view of items
        for number, item in enumerate(list(super().items())):
            if number == 10:
                raise RuntimeError("dictionary changed size during iteration")
            yield item


SCALARS: tuple[Callable[[random.Random], Value], ...] = (
    lambda _: None,
    lambda rng: rng.random() < 0.5,
    lambda rng: rng.choice(TEXTS),
    lambda rng: rng.choice(INTEGERS),
    lambda rng: rng.choice(FLOATS),
    lambda rng: NumpyFloat(rng.choice(FLOATS)),
    lambda rng: NumpyInteger(rng.choice(INTEGERS)),
    lambda _: NumpyArray(),
    lambda rng: rng.choice([*Level, *Priced, *Named, *Plain]),
    lambda rng: Decimal(rng.choice(["1.10", "NaN", "sNaN", "-Infinity", "1E+400"])),
    lambda _: Fraction(1, 3),
    lambda _: 1 + 2j,
    lambda _: datetime(2026, 1, 1, tzinfo=UTC),
    lambda _: datetime(2026, 1, 1),  # noqa: DTZ001 - applications have them
    lambda _: datetime.max,  # noqa: DTZ901 - as above
    lambda _: date(2026, 1, 1),
    lambda _: time(1, 2),
    lambda _: timedelta(days=1),
    lambda _: uuid.UUID(int=7),
    lambda _: Path("/etc/passwd"),
    lambda rng: bytes(rng.choices(range(256), k=rng.randrange(300))),
    lambda _: bytearray(b"\xff\x00"),
    lambda _: memoryview(b"\xff\x00"),
    lambda _: memoryview(bytearray(24)).cast("d"),
    lambda _: range(10**9),
    lambda _: (number for number in itertools.count()),
    lambda _: iter(int, 1),
    lambda _: Endless(),
    lambda _: EndlessMapping(),
    lambda _: Changing(),
    lambda _: UserString("user\ud800"),
    lambda _: LazyText("lazy"),
    lambda _: LocalProxy(_unbound),
    lambda _: LocalProxy(lambda: "proxied"),
    lambda _: LocalProxy(lambda: {"a": [1]}),
    lambda _: Mock(),
    lambda _: MagicMock(),
    lambda _: Mock(spec=str),
    lambda _: MagicMock(spec=dict),
    lambda _: _unbound,
    lambda _: random.Random,
    lambda _: ...,
    lambda _: object(),
    lambda _: ValueError("an exception as a value"),
    lambda _: threading.Lock(),
    lambda _: _clique(4),
    lambda _: _wide_graph(),
    lambda _: _recursive_list(),
    lambda _: _recursive_dict(),
    lambda _: _record_tree(),
    lambda _: _deep(lambda inner: [inner], 100_000),
    lambda _: _deep(lambda inner: {"inner": inner}, 2_000),
    lambda _: _deep(lambda inner: Node(inner=inner), 2_000),
    lambda _: list(range(200_000)),
    lambda _: {str(number): "x" * 100 for number in range(20_000)},
    lambda _: [["x" * 1_000] * 1_000] * 1_000,
    lambda rng: rng.choice(hostile.ALL)(),
)


def scalar(rng: random.Random) -> Value:
    """Return one value that is not made of others, or of fixed ones."""
    return rng.choice(SCALARS)(rng)


def key(rng: random.Random) -> Value:
    """Return a key of a dict: any value that can be hashed."""
    while True:
        candidate = rng.choice([rng.choice(TEXTS), scalar(rng)])
        try:
            hash(candidate)
        except BaseException:  # noqa: BLE001, S112 - of a hostile class
            continue
        return candidate


def value(rng: random.Random, depth: int = 0) -> Value:  # noqa: PLR0911 - one return a kind
    """Return any value: a scalar, or a collection of values."""
    if depth >= 3 or rng.random() < 0.6:
        return scalar(rng)
    items = [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    kind = rng.randrange(9)
    if kind == 0:
        return items
    if kind == 1:
        return tuple(items)
    if kind == 2:
        return {key(rng) for _ in items}
    if kind == 3:
        return UserList(items)
    if kind == 4:
        return deque(items)
    if kind == 5:
        return Point(*(items + [None] * 3)[:3])
    pairs = {key(rng): item for item in items}
    kinds = (dict, OrderedDict, UserDict, MappingProxyType, lambda each: defaultdict(list, each))
    return rng.choice(kinds)(pairs)
