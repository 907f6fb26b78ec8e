"""Classes whose methods raise, lie, or never end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Never


class Fatal(BaseException):
    """An exception that is no `Exception`."""


def _raise(error: type[BaseException]) -> Callable[..., Never]:
    def method(*_: object, **__: object) -> Never:
        raise error("hostile")

    return method


_METHODS = ("__str__", "__repr__", "__format__", "__iter__", "__len__", "__eq__", "__bool__", "__getitem__")


def _class(base: type, error: type[BaseException], *methods: str) -> type:
    return type(f"Hostile{base.__name__.title()}", (base,), {name: _raise(error) for name in methods})


def _lying_text() -> Any:  # noqa: ANN401 - any
    class Lying(str):
        __slots__ = ()

        def __str__(self) -> str:
            return Lying("another")

        def __len__(self) -> int:
            return 0

        def __getitem__(self, _: Any) -> Any:  # noqa: ANN401 - as a text's
            return self

        def encode(self, *_: object) -> bytes:
            return b"\xff"

        def lower(self) -> Any:  # noqa: ANN401 - what no text returns
            return 5

        def __hash__(self) -> int:
            return hash("text")

        def __eq__(self, _: object) -> bool:
            return True

    return Lying("lying")


class _NoClass:
    @property  # type: ignore[misc]  # it is the point
    def __class__(self) -> type:
        raise RuntimeError("no class")


class _FalseClass:
    @property  # type: ignore[misc]  # it is the point
    def __class__(self) -> type:
        return str


class _NoAttributes:
    def __getattribute__(self, name: str) -> Never:
        raise RuntimeError(name)


class _AnyAttribute:
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any
        return self

    def __call__(self, *_: object, **__: object) -> Any:  # noqa: ANN401 - any
        return self


class _EndlessDict:
    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # noqa: ANN401 - it is the point
        return _AnyAttribute()


class _FalseMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - any
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return -1  # noqa: PLE0303 - it is the point

    def items(self) -> Any:  # noqa: ANN401 - no pairs
        return [1, 2, 3]


class _NoText:
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307 - it is the point

    __repr__ = __str__


class _LongText:
    def __str__(self) -> str:
        return "z" * 50_000_000

    __repr__ = __str__


class _Surrogates:
    def __str__(self) -> str:
        return "\ud800" * 10

    __repr__ = __str__


class _Recursive:
    def __repr__(self) -> str:
        return repr([self])

    __str__ = __repr__


class _FalseNumber(int):
    def __lt__(self, _: object) -> Any:  # noqa: ANN401 - what no number returns
        raise RuntimeError("compared")

    __le__ = __gt__ = __ge__ = __lt__

    def __int__(self) -> Any:  # noqa: ANN401 - the same
        return "five"

    __index__ = __abs__ = __int__


class _FalseDictClass(dict[str, Any]):
    def items(self) -> Any:  # noqa: ANN401 - no pairs
        raise RuntimeError("no items")

    keys = values = __iter__ = items


class _Unhashable(str):
    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # it is the point


ALL: tuple[Callable[[], Any], ...] = (
    *(
        (lambda base=base, error=error, method=method: _class(base, error, method)())
        for base in (object, str, int, float, bytes, list, dict, tuple, set)
        for error in (RuntimeError, SystemExit, RecursionError, Fatal)
        for method in ("__str__", "__repr__", "__len__", "__iter__", "__bool__", "__hash__")
    ),
    *(lambda base=base: _class(base, RuntimeError, *_METHODS)() for base in (object, str, int, float, list, dict)),
    _lying_text,
    _NoClass,
    _FalseClass,
    _NoAttributes,
    _AnyAttribute,
    _EndlessDict,
    _FalseMapping,
    _NoText,
    _LongText,
    _Surrogates,
    _Recursive,
    lambda: _FalseNumber(7),
    lambda: _FalseDictClass(a=1),
    lambda: _Unhashable("unhashable"),
)
"""Makers of instances. Construct each at use: some are hard to handle."""
