"""Select the application: the one that `make up` starts, and the one that is up."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from flask_onetrace.contract import DEFAULT_APP_FILES, Variable
from infra.application import DEFAULT_FOLDER, FOLDER_VARIABLE, Application, ApplicationError, selected_folder
from infra.application_file import FILE, load
from local.workspace.folders import STATE_VARIABLE
from local.workspace.state import Selected
from operations.errors import OperatorError, operator_error


def selected_application(environ: Mapping[str, str]) -> Application:
    """Return the application that `APP` and `FLASK_APP` select. Raises `OperatorError`."""
    return load_application(selected_folder(environ), flask_app_of(environ))


def flask_app_of(environ: Mapping[str, str]) -> str | None:
    """Return the `FLASK_APP` that takes precedence over the description's, None where there is none.

    It counts only beside `APP`: a shell may have it for another project, and the sample needs none.
    """
    if not environ.get(FOLDER_VARIABLE, "").strip():
        return None
    return environ.get(Variable.FLASK_APP, "").strip() or None


def load_application(folder: Path, flask_app: str | None) -> Application:
    """Return the application in `folder`. Raises `OperatorError`."""
    try:
        return load(folder, flask_app)
    except ApplicationError as error:
        raise operator_error(error) from error


def deployed_application(state: Selected | None) -> Application:
    """Return the application that is up. Raises `OperatorError` where none is."""
    if state is None:
        raise OperatorError("Nothing is running", "Start with make up")
    return load_application(Path(state.folder), state.flask_app)


def to_state(application: Application, environ: Mapping[str, str]) -> Selected:
    """Return what later commands need to find the application again."""
    return Selected(name=application.name, folder=str(application.folder), flask_app=flask_app_of(environ))


def update_command(up: Selected) -> str:
    """Return the command that updates what is up."""
    if Path(up.folder) == DEFAULT_FOLDER:
        return "make up"
    suffix = "" if up.flask_app is None else f" {Variable.FLASK_APP}={shlex.quote(up.flask_app)}"
    return f"make up {FOLDER_VARIABLE}={shlex.quote(relative_path(up.folder))}{suffix}"


def refuse_unselected(up: Selected | None, environ: Mapping[str, str]) -> None:
    """Raise `OperatorError` if `APP` selects another application than the one that is up, or none.

    The description of the one that is up is not read: what stops it must work whatever an edit has made of it.
    """
    if not environ.get(FOLDER_VARIABLE, "").strip():
        return
    if up is None or selected_folder(environ) != Path(up.folder):
        refuse_another(up, selected_application(environ))


def refuse_another(up: Selected | None, application: Application) -> None:
    """Raise `OperatorError` if another application is up: its stacks, secrets and database are in the emulator."""
    if up is None or (Path(up.folder) == application.folder and up.name == application.name):
        return
    raise OperatorError(
        f"{up.name} ({up.folder}) is up, and {FOLDER_VARIABLE} selects {application.name} ({application.folder})",
        f"Run make down first, or update what is up by {update_command(up)};"
        f" {STATE_VARIABLE}=<another folder> runs both",
    )


def refuse_unnamed(application: Application) -> None:
    """Raise `OperatorError` if Flask would find no application: the start after the deploy would fail."""
    folder = application.folder
    if application.flask_app is not None or any((folder / name).is_file() for name in DEFAULT_APP_FILES):
        return
    modules = [*folder.glob("*.py"), *folder.glob("*/__init__.py"), *folder.glob("src/*/__init__.py")]
    names = sorted(_module(path) for path in modules if "Flask(" in path.read_text(encoding="utf-8", errors="replace"))
    example = names[0] if names else "orders:create_app()"
    raise OperatorError(
        f"{folder} has neither {' nor '.join(DEFAULT_APP_FILES)}, and nothing names the Flask app",
        f'Write flask_app = "{example}" into {folder / FILE}, or pass {Variable.FLASK_APP}={shlex.quote(example)}',
    )


def _module(path: Path) -> str:
    return path.parent.name if path.name == "__init__.py" else path.stem


def working_directory(application: Application) -> Path:
    """Return the folder from which Flask imports the application: its own, or the parent where that is the package."""
    folder = application.folder
    package = (application.flask_app or "").partition(":")[0].partition(".")[0]
    return folder.parent if package == folder.name and (folder / "__init__.py").is_file() else folder


def relative_path(folder: str | Path) -> str:
    """Return a path as it is typed from the current directory, where that is shorter."""
    relative = os.path.relpath(folder)
    return relative if len(relative) < len(str(folder)) else str(folder)
