from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from local.application.selection import relative_path, selected_application
from local.commands.up import _conclude
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session


@pytest.mark.parametrize(
    ("description", "path"),
    [
        ("", "/"),
        ("[smoke_test]\npath = '/things'\n", "/things"),
        ("[smoke_test]\npath = '/x'\nheaders = {A = 'b'}", "/"),
    ],
)
def test_the_printed_address_is_the_applications_and_the_command_is_quoted(
    tmp_path: Path, description: str, path: str
) -> None:
    folder = tmp_path / "my shop"
    folder.mkdir()
    (folder / "onetrace.toml").write_text(description, encoding="utf-8")
    out, environ = io.StringIO(), {**os.environ, "APP": str(folder), "FLASK_APP": "shop:create_app()"}
    session = Session.fresh(Folders(tmp_path / "state"), environ, Report(out))
    session.selected, session.state.load_balancer_port = selected_application(environ), 1234

    _conclude(session, 1.0)

    assert f"Up after 1.0 s: http://127.0.0.1:1234{path}\n" in out.getvalue()
    assert f"run make up APP='{relative_path(folder)}' FLASK_APP='shop:create_app()' again." in out.getvalue()


def test_with_a_state_folder_of_its_own_the_next_commands_are_named_with_it(tmp_path: Path) -> None:
    state = tmp_path / "my state"
    out, environ = io.StringIO(), {**os.environ, "LOCAL_STATE_DIR": str(state)}
    session = Session.fresh(Folders(state), environ, Report(out))
    session.selected, session.state.load_balancer_port = selected_application(environ), 1234

    _conclude(session, 1.0)

    assert f"| make down, each with LOCAL_STATE_DIR='{state}',\n" in out.getvalue()
    assert f"run make up LOCAL_STATE_DIR='{state}' again.\n" in out.getvalue()
