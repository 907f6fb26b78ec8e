"""Run the settings' command once for each revision of a task definition, before its first task starts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, Final

from local.containers.engine import remove
from local.containers.errors import TaskStartError, TaskStoppedError
from local.containers.logs import LogStream

if TYPE_CHECKING:
    from docker import DockerClient

TIMEOUT_SECONDS: Final = 300
POLL_SECONDS: Final = 0.2
READ_SECONDS: Final = 5.0
"""For the output of a command that has ended, which says why it has failed."""


class Revisions:
    """The revisions whose command has succeeded. Tasks of one revision wait for each other."""

    def __init__(self) -> None:
        self._done: set[str] = set()
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def once(self, revision: str, run: Callable[[], None], stopping: Event) -> None:
        """Call `run` unless it has succeeded for this revision. Raises `TaskStoppedError`, and what `run` raises."""
        lock = self._locks[revision]
        while not lock.acquire(timeout=POLL_SECONDS):
            if stopping.is_set():
                raise TaskStoppedError
        try:
            if revision not in self._done:
                run()
                self._done.add(revision)
        finally:
            lock.release()


def run(
    engine: DockerClient,
    image: str,
    command: str,
    stopping: Event,
    logs: LogStream | None,
    **options: Any,  # noqa: ANN401 - the engine's own
) -> None:
    """Run a shell command to its end in a container of its own, whose output goes to `logs`.

    Raises `TaskStartError` where it fails, and `TaskStoppedError`.
    """
    container = engine.containers.create(image, [command], **{**options, "entrypoint": ["sh", "-c"]})
    try:
        container.start()
        reader = None if logs is None else logs.read(container.logs(stream=True, follow=True))
        for _ in range(int(TIMEOUT_SECONDS / POLL_SECONDS)):
            container.reload()
            if container.status != "running":
                break
            if stopping.wait(POLL_SECONDS):
                raise TaskStoppedError
        state = container.attrs["State"]
        if reader is not None and not state["Running"]:
            reader.join(READ_SECONDS)
        if state["Running"] or state["ExitCode"] != 0:
            how = f"did not end within {TIMEOUT_SECONDS} s" if state["Running"] else f"exited with {state['ExitCode']}"
            raise TaskStartError(f"before_start = {command!r} {how}")
    finally:
        remove(partial(container.remove, force=True, v=True))
