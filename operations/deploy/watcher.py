"""Poll AWS in a thread while the deploy runs, and print what is new."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from typing import Final

from operations.deploy.alarms import FiringAlarm
from operations.deploy.causes import cause_of_task
from operations.deploy.observations import Callbacks, Observer
from operations.deploy.plain_text import clock_time, one_line
from operations.deploy.reader import Reader
from operations.deploy.services import ServiceEvent
from operations.deploy.stopped_tasks import StoppedTask

MAX_POLL_SECONDS: Final = 60.0
JOIN_SECONDS: Final = 30.0
MAX_PRINTED_TASKS: Final = 3


class Watcher:
    """A thread that polls every `seconds`, up to a minute apart while AWS throttles."""

    def __init__(self, observer: Observer, reader: Reader, *, seconds: float) -> None:
        self._observer = observer
        self._reader = reader
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deploy-watcher", daemon=True)
        self._is_expiry_reported = False

    def start(self) -> None:
        """Start to poll."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a call that hangs is left behind."""
        self._stop.set()
        self._thread.join(JOIN_SECONDS)

    def _run(self) -> None:
        pause = self._seconds
        while not self._stop.wait(pause):
            self._reader.throttled = False
            self._observer.poll()
            pause = min(pause * 2, MAX_POLL_SECONDS) if self._reader.throttled else self._seconds
            self._report_expiry()

    def _report_expiry(self) -> None:
        if self._reader.credentials_expired and not self._is_expiry_reported:
            write_line(
                "AWS",
                "the credentials have expired: nothing more can be read, CloudFormation continues in the background",
            )
        self._is_expiry_reported = self._reader.credentials_expired


def live_printer() -> Callbacks:
    """Return what prints each new thing as one line; of tasks that stop for one reason only the first three."""
    kinds: Counter[object] = Counter()

    def print_task(task: StoppedTask) -> None:
        kinds[task.kind] += 1
        if kinds[task.kind] <= MAX_PRINTED_TASKS:
            _print_task(task)
        elif kinds[task.kind] == MAX_PRINTED_TASKS + 1:
            write_line("ECS", "more tasks stop for this reason")

    return Callbacks(event=_print_event, task=print_task, alarm=_print_alarm)


def write_line(source: str, text: str) -> None:
    """Write one line to standard error at once, so that the CDK's lines stay whole."""
    sys.stderr.write(f"{source} | {text}\n")
    sys.stderr.flush()


def _print_event(event: ServiceEvent) -> None:
    write_line("ECS", f"{clock_time(event.at)} {one_line(event.message)}")


def _print_task(task: StoppedTask) -> None:
    cause = cause_of_task(task)
    failed = [each for each in task.containers if each.exit_code not in {None, 0}]
    details = [f"{each.name}: exit code {each.exit_code}" for each in failed] + ([cause.meaning] if cause else [])
    text = f"task {task.id} stopped: {task.reason}" + (f" ({', '.join(details)})" if details else "")
    write_line("ECS", f"{clock_time(task.at)} {one_line(text)}")


def _print_alarm(alarm: FiringAlarm) -> None:
    write_line(
        "CloudWatch", f"{clock_time(alarm.since)} alarm {one_line(alarm.name)} is in ALARM: {one_line(alarm.reason)}"
    )
