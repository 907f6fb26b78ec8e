"""Import the X-Ray SDK without the two botocore clients that it creates at import, and that nothing uses here.

They hold the models of AWS's services and endpoints, 19 MiB, for a sampler that is replaced
(`aws_xray_sdk/core/recorder.py`, version 2.15.0; to be dropped when the SDK creates its client at first use).
Where other code has imported the SDK before, the memory is spent, and nothing else differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.session import Session


@contextmanager
def _no_clients() -> Iterator[None]:
    create_client = Session.create_client
    Session.create_client = lambda *_, **__: None  # type: ignore[assignment,method-assign]  # only during the import
    try:
        yield
    finally:
        Session.create_client = create_client  # type: ignore[method-assign]  # as it was


with _no_clients():
    import aws_xray_sdk.core  # noqa: F401 - for its effect alone
