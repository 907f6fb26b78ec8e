"""Import the names that a package exports at their first use ("SPEC 1: Lazy Loading", Scientific Python)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

TYPE_CHECKING = False  # instead of typing's, which the container's health check would import
if TYPE_CHECKING:
    from typing import Any


def lazy_names(package: str, module_of: Mapping[str, str], names: dict[str, Any]) -> Callable[[str], Any]:
    """Return the `__getattr__` of `package`, whose exported names have these modules and whose `globals()` are `names`.

    It raises `AttributeError` for any other name, as Python does.
    """

    def import_name(name: str) -> Any:  # noqa: ANN401 - any of the exported names
        module = module_of.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module}"), name)
        names[name] = value  # the next look-up finds it without this function
        return value

    return import_name
