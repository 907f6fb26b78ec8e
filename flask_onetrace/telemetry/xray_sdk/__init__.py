"""Support code written for the X-Ray SDK in handlers. The SDK is imported only when the application imports it."""

from __future__ import annotations

from types import ModuleType

import wrapt


def install_on_import() -> None:
    """Point the SDK's global recorder at the current request as soon as the SDK is imported; now, if it already is."""
    wrapt.register_post_import_hook(_install, "aws_xray_sdk.core")


def _install(module: ModuleType) -> None:  # noqa: ARG001 - the hook's signature
    from flask_onetrace.telemetry.xray_sdk import context  # noqa: PLC0415 - imports the SDK

    context.install()
