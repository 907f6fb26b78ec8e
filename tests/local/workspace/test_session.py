from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path

from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import State


def test_a_renamed_process_writes_on_to_its_log_of_the_new_name_and_is_stopped_by_it(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.make()
    session = Session.fresh(folders, os.environ, Report(io.StringIO()))
    code = "import time; print('first', flush=True); time.sleep(1); print('second', flush=True); time.sleep(60)"
    record = session.start("candidate", [sys.executable, "-c", code], {})

    session.rename(record, "service")

    assert [each.role for each in State.load(folders.state_file).processes] == ["service"]
    assert session.running("service", record.pid) is not None
    deadline = time.monotonic() + 20
    while "second" not in folders.log("service").read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not folders.log("candidate").exists()
    session.stop(session.started)
    assert session.state.processes == []
    assert session.running("service") is None
