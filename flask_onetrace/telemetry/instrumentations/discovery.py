"""Find the installed instrumentations, the module that each waits for, and whether its version is supported."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.dependencies import DependencyConflict, get_dist_dependency_conflicts
from packaging.requirements import Requirement

from flask_onetrace.telemetry.instrumentations.instrumentation import Instrumentation
from flask_onetrace.telemetry.safe_logging import safe_logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

logger = safe_logger(__name__)

GROUP: Final = "opentelemetry_instrumentor"
"""The entry points that `opentelemetry-instrument` loads."""
_MODULES: Final = {
    # The client alone: the sinks and the sampler use other parts of botocore.
    "botocore": "botocore.client",
    "aiobotocore": "aiobotocore.client",
    "aiohttp-client": "aiohttp",
    "grpc_client": "grpc",
    "grpc_server": "grpc",
    "grpc_aio_client": "grpc",
    "grpc_aio_server": "grpc",
    "mysql": "mysql.connector",
    "mysqlclient": "MySQLdb",
    "sqlite3": "sqlite3",
    "urllib": "urllib.request",
}
"""The module whose import turns an instrumentation on, where it is not named like the instrumentation."""


def discover() -> Iterator[Instrumentation]:
    """Yield the installed instrumentations whose library is installed too."""
    for each in entry_points(group=GROUP):
        try:
            instrumentation = _instrumentation(each)
        except Exception as error:  # noqa: BLE001 - a third party's metadata
            logger.warning(
                "the instrumentation %s is left out, its package cannot be read: %s: %s: upgrade or remove it",
                *(each.name, type(error).__name__, error),
            )
        else:
            if instrumentation is not None:
                yield instrumentation


def _instrumentation(entry_point: EntryPoint) -> Instrumentation | None:
    """Return the instrumentation, None where its library is absent."""
    name, distribution = entry_point.name, entry_point.dist
    module = _MODULES.get(name, name.replace("-", "_"))
    conflict = get_dist_dependency_conflicts(distribution) if distribution is not None else None
    if conflict is not None and not (conflict.found or conflict.found_any):
        return None
    if find_spec(module.partition(".")[0]) is None:
        if _has_alternatives(entry_point):
            return None
        module = ""
    return Instrumentation(entry_point, module, unsupported_version(conflict) if conflict is not None else "")


def unsupported_version(conflict: DependencyConflict) -> str:
    """Return what an instrumentation needs and what is installed, `redis >=5,<7, found 4.0`."""
    if conflict.required is not None:
        return f"{_shown([conflict.required])}, found {(conflict.found or '').rpartition(' ')[2]}"
    return f"{_shown(conflict.required_any or ())}, found {', '.join(conflict.found_any or ())}"


def _has_alternatives(entry_point: EntryPoint) -> bool:
    """Return whether the distribution has instrumentations of several libraries, of which one may be absent."""
    same = entry_point.dist.entry_points if entry_point.dist is not None else ()
    return len([each for each in same if each.group == GROUP]) > 1


def _shown(requirements: Iterable[object]) -> str:
    parsed = [Requirement(str(each)) for each in requirements]
    return " or ".join(f"{each.name} {','.join(sorted(map(str, each.specifier), reverse=True))}" for each in parsed)
