"""Configure gunicorn from the service's settings, with workers of our own (flask_onetrace/server)."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask_onetrace import worker_message
from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH, STOP_TIMEOUT_SECONDS
from flask_onetrace.parsing import SettingsError
from flask_onetrace.settings import Settings, unset_empty_variables
from flask_onetrace.telemetry.export import stderr

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

_EXIT_SECONDS = 2.0
"""Between the last request and the sinks' flush, and from there to the process's exit."""
_ABORT_FLUSH_SECONDS = 0.8
"""gunicorn kills a worker a second after it has aborted it."""
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn creates a private file there

# Before gunicorn opens its log: nothing that arbiter and workers print may wait for a reader.
stderr.never_block()
worker_message.load_error.share()
unset_empty_variables()
try:
    _settings = Settings.from_env()
except SettingsError as error:
    worker_message.load_error.print(str(error))
    sys.exit(worker_message.APP_LOAD_ERROR)

bind = f"{_settings.bind_host}:{_settings.port}"
workers = _settings.workers
threads = _settings.threads
worker_class = "flask_onetrace.server.worker.BufferingWorker"
# Idle and slow clients cost a descriptor each, and no thread; beyond this many, the one waiting longest is dropped.
worker_connections = 4096
# gunicorn's heartbeat file, in memory as its documentation advises for containers; macOS has no such directory.
worker_tmp_dir = _SHARED_MEMORY if Path(_SHARED_MEMORY).is_dir() else None
# gunicorn kills its workers at this time, with the sinks' last flush in it: just before ECS kills everything.
graceful_timeout = STOP_TIMEOUT_SECONDS - 2
# Longer than the load balancer's idle timeout of 60 s, so that it never reuses a connection just closed.
keepalive = 65
# Any peer's X-Forwarded-Proto is believed, so nothing may reach the port but a proxy that replaces a client's. In our
# stacks the security group admits the load balancer alone, whose addresses change. Elsewhere `--forwarded-allow-ips`
# restricts it.
forwarded_allow_ips = "*"
# The only header that the load balancer sets for the scheme, and it replaces a client's. Others are the client's own.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
# By default SCRIPT_NAME and PATH_INFO are taken from headers of these names, which the load balancer passes on.
forwarder_headers = ""
if _settings.alb_arn is not None:
    # The load balancer's own limit ("Quotas for your Application Load Balancers"): the cookies of its sessions, and the
    # claims and the token that it adds, are longer than gunicorn's 8,190 bytes.
    limit_request_field_size = 16 * 1024
control_socket_disable = True
accesslog = None


def post_worker_init(worker: Worker) -> None:
    """Exempt loaded objects from garbage collection: each full collection would pause requests to traverse them."""
    # The rest of the time to stop is for the sinks' last flush.
    worker.drain_seconds = max(1.0, worker.cfg.graceful_timeout - _settings.shutdown_deadline - _EXIT_SECONDS)
    if worker.cfg.worker_class_str != worker_class:
        # gunicorn's own, as gevent's, wait as long for idle connections as the arbiter waits for them, and are killed.
        worker.cfg.set("graceful_timeout", int(worker.drain_seconds))
    worker.health_check_paths = frozenset({_settings.health_check_path, RUNTIME_HEALTH_CHECK_PATH})
    _show_thread_usage(worker)
    gc.collect()
    gc.freeze()


def _show_thread_usage(worker: Worker) -> None:
    """Have the health check's detail show how busy the worker's threads are."""
    from flask_onetrace.health import THREAD_USAGE  # noqa: PLC0415 - only where a worker has loaded the app

    extensions: dict[str, Any] = getattr(worker.wsgi, "extensions", {})
    extensions[THREAD_USAGE] = getattr(worker, "thread_usage", None)  # None of another worker class


def worker_abort(worker: Worker) -> None:
    """Remember that gunicorn ends the worker because its main loop hung."""
    worker.abort_reason = "timeout"


def worker_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn's signature
    """Record the requests that did not end, and flush the sinks."""
    from flask_onetrace.telemetry import EXTENSION  # noqa: PLC0415 - only where a worker has loaded the app

    # None where the worker could not load the app, or where that has no telemetry.
    telemetry: Any = getattr(getattr(worker, "wsgi", None), "extensions", {}).get(EXTENSION)
    if telemetry is None:
        return
    if getattr(worker, "abort_reason", None) is not None:
        telemetry.shutdown(_ABORT_FLUSH_SECONDS, aborted=worker.abort_reason)
    else:
        telemetry.shutdown()
    if getattr(worker, "open_connections", 0):
        os._exit(0)  # else Python would wait for the threads of the requests that were just given up
