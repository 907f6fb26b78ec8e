"""Configure gunicorn from the service's settings: gthread workers, and all other values from the settings."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.contract import STOP_TIMEOUT_SECONDS
from service.parsing import SettingsError
from service.settings import Settings, unset_empty_variables
from service.telemetry.export.stderr import NonBlockingStream

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn creates a private file there

# Before gunicorn opens its log: nothing that arbiter and workers print may wait for a reader.
sys.stderr = NonBlockingStream(sys.stderr)
unset_empty_variables()
try:
    _settings = Settings.from_env()
except SettingsError as error:
    sys.exit(str(error))

bind = f"{_settings.bind_host}:{_settings.port}"
workers = _settings.workers
threads = _settings.threads
worker_class = "gthread"
# gunicorn's heartbeat file, in memory as its documentation advises for containers; macOS has no such directory.
worker_tmp_dir = _SHARED_MEMORY if Path(_SHARED_MEMORY).is_dir() else None
# The rest of the stop timeout is for the sinks' last flush.
graceful_timeout = max(1, int(STOP_TIMEOUT_SECONDS - _settings.shutdown_deadline - 5))
# Longer than the load balancer's idle timeout of 60 s, so that it never reuses a connection just closed.
keepalive = 65
# Only the load balancer reaches the container's port (by its security group), so its X-Forwarded-Proto can be trusted.
forwarded_allow_ips = "*"
control_socket_disable = True
accesslog = None


def post_worker_init(worker: Worker) -> None:  # noqa: ARG001 - gunicorn's signature
    """Exempt loaded objects from garbage collection: each full collection would pause requests to traverse them."""
    gc.collect()
    gc.freeze()


def worker_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn's signature
    """Flush the sinks."""
    from service.telemetry import EXTENSION  # noqa: PLC0415 - only where a worker has loaded the app

    # None where the worker could not load the app.
    app: Any = getattr(worker, "wsgi", None)
    if app is not None:
        app.extensions[EXTENSION].shutdown()
