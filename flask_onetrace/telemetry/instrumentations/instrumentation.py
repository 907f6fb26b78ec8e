"""Turn on one instrumentation when its library is imported, and keep its state."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any, Final

import wrapt

from flask_onetrace.telemetry.context.propagation import TraceContextPropagator
from flask_onetrace.telemetry.instrumentations import aws_calls, database, xray_patches
from flask_onetrace.telemetry.library_environment import without_failing_variables
from flask_onetrace.telemetry.safe_logging import safe_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import ModuleType

    from opentelemetry.trace import TracerProvider

logger = safe_logger(__name__)

VARIABLE: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_ALL: Final = "*"
_ON: Final = "on"
_PENDING: Final = "on when imported"
_BY_SDK: Final = "on, by the X-Ray SDK's patch"
_BY_APP: Final = "on, by the application"
_UNUSED: Final = {
    "flask": "the service's middleware makes the server spans",
    "wsgi": "the service's middleware makes the server spans",
    "logging": "log lines carry the trace's ids already",
    "system_metrics": "no sink takes metrics",
}
"""The instrumentations that are never turned on, and why."""
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    # By default X-Ray's propagator, which knows nothing of the request's sampling decision.
    "botocore": {
        "propagator": TraceContextPropagator(),
        "request_hook": aws_calls.request_hook,
        "response_hook": aws_calls.response_hook,
    },
    "aiobotocore": {"propagator": TraceContextPropagator()},
}
_BEFORE: Final[dict[str, Callable[[TracerProvider], None]]] = {"sqlalchemy": database.suppress_drivers}
"""What runs before an instrumentation is turned on, here or by the application, for its wrappers to be inside."""


class Instrumentation:
    """The instrumentation of one library."""

    def __init__(self, entry_point: EntryPoint, module: str, unsupported: str) -> None:
        self.name = entry_point.name
        self.sdk_name = xray_patches.NAMES.get(self.name, self.name)
        """The name by which the X-Ray SDK patches the library."""
        self.state = _PENDING
        self._entry_point = entry_point
        self._module = module
        """The module that it waits for; empty if that is not known."""
        self._unsupported = unsupported
        self._problem: tuple[str, str] | None = None
        """Why its calls are not traced, and what to do."""
        self._is_done = False
        """Whether the library is imported, and what follows from that is done."""

    @property
    def is_claimed(self) -> bool:
        """Whether the library's calls are, or will be, traced by it: the X-Ray SDK's patch would double them."""
        return self.state in {_ON, _PENDING, _BY_APP}

    def prepare(self, disabled: Collection[str], tracer_provider: TracerProvider) -> None:
        """Decide whether it may be turned on, with tracers of `tracer_provider`."""
        self._tracer_provider = tracer_provider
        if self.name in _UNUSED:
            self.state = f"unused: {_UNUSED[self.name]}"
        elif self.name in disabled or _ALL in disabled:
            self.state = f"disabled by {VARIABLE}"  # on purpose: no warning
        elif self._unsupported:
            remedy = (
                f"install a supported version, or an instrumentation that supports it, or add {self.name} to {VARIABLE}"
            )
            self._off(f"needs {self._unsupported}", remedy)
        elif self.sdk_name in xray_patches.patched():
            self.state = _BY_SDK

    def install_on_import(self) -> None:
        """Turn it on when its library is imported; now, if that is the case already, or if its module is not known.

        One that is disabled may be turned on by the application, and what runs before it must have run then.
        """
        if self.state in {_PENDING, _BY_SDK} or self._problem is not None or self.name in _BEFORE:
            if not self._module:
                self._on_import(None)
                return
            wrapt.register_post_import_hook(self._on_import, self._module)
            # An application that imports the instrumentation itself imports the library halfway through.
            wrapt.register_post_import_hook(self._on_import, self._entry_point.module)

    def _on_import(self, _: ModuleType | None) -> None:
        own_module = sys.modules.get(self._entry_point.module)
        is_being_imported = own_module is not None and not hasattr(own_module, self._entry_point.attr)
        if self._is_done or is_being_imported:  # then its own hook follows
            return
        self._is_done = True
        try:
            if self.state == _BY_SDK:
                self._uninstrument(own_module)
                xray_patches.propagate_through(self.name)
            elif before := _BEFORE.get(self.name):
                before(self._tracer_provider)
            if self.state == _PENDING:
                self.state = _ON
                with without_failing_variables():
                    self._instrument()
        except Exception as error:  # noqa: BLE001 - a third party's code, within the application's import
            self._off(
                f"failed: {type(error).__name__}: {error}", f"upgrade or remove it, or add {self.name} to {VARIABLE}"
            )
            xray_patches.disclaim(self.sdk_name)
        if self._problem is not None:
            reason, remedy = self._problem
            logger.warning("calls of %s are not traced: their instrumentation %s: %s", self.name, reason, remedy)

    def _instrument(self) -> None:
        instrumentor = self._entry_point.load()()
        if instrumentor.is_instrumented_by_opentelemetry:
            self.state = _BY_APP
            return
        options = OPTIONS.get(self.name, {})
        instrumentor.instrument(skip_dep_check=True, tracer_provider=self._tracer_provider, **options)

    def _uninstrument(self, module: ModuleType | None) -> None:
        """Undo the application's own call, where the X-Ray SDK has patched the library too."""
        instrumentor = getattr(module, self._entry_point.attr)() if module is not None else None
        if instrumentor is not None and instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()

    def _off(self, reason: str, remedy: str) -> None:
        self.state = f"off: {reason.removeprefix('is ')}"
        self._problem = reason, remedy
