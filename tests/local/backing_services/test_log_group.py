"""What the log group holds of a failed request, and what is kept of it when the emulator is stopped."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from flask_onetrace.contract import ACCESS_LOGGER, Output
from local.backing_services import log_group
from local.backing_services.emulated_aws import EmulatedAws
from local.backing_services.log_group import LogGroup
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
TRACE_ID, OTHER = "6b038fe39ed49725bcbc5c5dab0d95db", "6b038fe39ed49725bcbc5c5dab0d95dc"
ACCESS = {"level": "ERROR", "logger": ACCESS_LOGGER, "version": "new", "trace_id": TRACE_ID, "status": 500}
TRACEBACK = "Traceback (most recent call last):\nKeyError: 'x'"
ERROR = {"level": "ERROR", "version": "new", "trace_id": TRACE_ID, "message": "Exception on /", "exception": TRACEBACK}


@pytest.fixture
def logs(emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> LogGroup:
    monkeypatch.setattr(log_group, "ARRIVAL_SECONDS", 0.3)
    name = uuid.uuid4().hex
    emulated_aws.logs.create_log_group(logGroupName=name)
    emulated_aws.logs.create_log_stream(logGroupName=name, logStreamName="one")
    return LogGroup(aws=emulated_aws, name=name, version="new")


def put(logs: LogGroup, *documents: Mapping[str, object], age: float = 0) -> None:
    now = int((time.time() - age) * 1000)
    events = [{"timestamp": now, "message": json.dumps(each)} for each in documents]
    logs.aws.logs.put_log_events(logGroupName=logs.name, logStreamName="one", logEvents=events)  # type: ignore[arg-type] # plain dicts


def started(age: float = 0) -> float:
    return time.time() - age


def test_the_exception_of_a_request_is_found_by_its_trace_id(logs: LogGroup) -> None:
    put(logs, ERROR, ACCESS, {**ERROR, "trace_id": OTHER, "exception": "OSError: of another request"})

    assert logs.errors_of(TRACE_ID, started()) == TRACEBACK.splitlines()


def test_a_request_that_logs_its_error_without_an_exception_is_explained_by_the_message(logs: LogGroup) -> None:
    put(logs, {"level": "ERROR", "version": "new", "trace_id": TRACE_ID, "message": "no tables"}, ACCESS)

    assert logs.errors_of(TRACE_ID, started()) == ["no tables"]


def test_another_requests_exception_is_not_taken_for_that_of_one_without(logs: LogGroup) -> None:
    put(logs, {**ERROR, "trace_id": OTHER}, ACCESS)

    assert logs.errors_of(TRACE_ID, started()) == []


def test_without_a_line_of_the_request_the_newest_error_of_the_version_and_process_is_shown(logs: LogGroup) -> None:
    put(logs, {**ERROR, "exception": "OSError: of an earlier process"}, age=60)
    put(logs, {**ERROR, "version": "old"})

    assert logs.errors_of(OTHER, started()) == []
    assert logs.errors_of("", started(age=90)) == ["OSError: of an earlier process"]


def test_a_log_group_that_is_missing_has_no_lines(emulated_aws: EmulatedAws) -> None:
    assert log_group.messages(emulated_aws, "nowhere") == []


def test_the_lines_are_kept_in_a_file_of_the_folder_of_logs(logs: LogGroup, tmp_path: Path) -> None:
    folders, out = Folders(tmp_path), io.StringIO()
    folders.make()
    session = Session.fresh(folders, os.environ, Report(out))
    log_group.keep(session)
    assert out.getvalue() == ""
    put(logs, ERROR, ACCESS)
    session.state.gateway_port, session.state.outputs = logs.aws.port, {Output.LOG_GROUP: logs.name}

    log_group.keep(session)

    lines = folders.log(log_group.ROLE).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [ERROR, ACCESS]
    assert str(folders.log(log_group.ROLE)) in out.getvalue()
