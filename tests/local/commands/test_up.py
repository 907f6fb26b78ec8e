from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from local.application.selection import relative_path, selected_application, to_state
from local.backing_services import emulator
from local.commands import up
from local.commands.up import _conclude
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import Record


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


@pytest.mark.parametrize(
    ("engine", "real"), [(None, "no container image was run"), ("/run/docker.sock", "run by your Docker engine")]
)
def test_the_end_of_the_first_output_says_what_is_emulated_in_this_mode(
    tmp_path: Path, engine: str | None, real: str
) -> None:
    out = io.StringIO()
    session = Session.fresh(Folders(tmp_path), os.environ, Report(out))
    session.selected, session.state.load_balancer_port = selected_application(os.environ), 1234
    session.state.engine = engine
    session.started.append(Record(role=emulator.ROLE, pid=1, created=0.0))

    _conclude(session, 1.0)

    assert "none of it is AWS" in out.getvalue()
    assert real in out.getvalue()

    session.started.clear()
    out.truncate(0)
    _conclude(session, 1.0)

    assert "Up after" in out.getvalue()
    assert "none of it is AWS" not in out.getvalue()


def test_an_update_uses_the_engine_of_what_is_up_whichever_one_the_shell_selects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session.fresh(Folders(tmp_path), {**os.environ, "DOCKER_HOST": "tcp://there"}, Report(io.StringIO()))
    session.folders.make()
    record = session.start(emulator.ROLE, ["sleep", "60"], {})
    session.state.application = to_state(selected_application(os.environ), os.environ)
    session.state.engine = "/run/of-what-is-up.sock"
    session.save()
    session.started.clear()
    selected: list[str] = []
    monkeypatch.setattr(up, "_bring_up", lambda each: selected.append(each.environ["DOCKER_HOST"]))
    monkeypatch.setattr(up, "_conclude", lambda *_: None)
    try:
        up.up(session)
    finally:
        session.stop([record])

    assert selected == ["unix:///run/of-what-is-up.sock"]
