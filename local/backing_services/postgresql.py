"""Start a PostgreSQL of the application's own, which keeps its data until `make down`."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.application import Application
from local.workspace.ports import LOOPBACK, free_port
from local.workspace.report import Step
from local.workspace.session import Session
from local.workspace.state import Database
from local.workspace.steps import Program, run
from operations.errors import OperatorError

ROLE: Final = "postgresql"
SERVICE: Final = "postgresql"
VARIABLE: Final = "DATABASE_URL"
USER: Final = "app"
OS_USER: Final = "postgres"
"""The user of Debian's package, for a server that root starts: PostgreSQL refuses to run as root."""
READY_SECONDS: Final = 30.0
INITDB_SECONDS: Final = 60.0
SETTINGS: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=16MB", "jit=off")
"""Fast and small: `make down` deletes the data."""
PROGRAMS: Final = ("initdb", "postgres", "pg_isready")
INSTALL: Final = "Install it (on Debian: apt-get install postgresql), or remove it from services under [local]"


def check(application: Application) -> None:
    """Raise `OperatorError` if the description asks for PostgreSQL and it cannot be started here."""
    if SERVICE in application.local.services:
        for name in PROGRAMS:
            _binary(name)
        _os_user()


def ensure(session: Session) -> dict[str, str]:
    """Return `DATABASE_URL` of the running server, nothing if the description asks for none."""
    if SERVICE not in session.application.local.services:
        return {}
    database = session.state.database
    if database is None or session.running(ROLE) is None:
        with session.report.step("Start PostgreSQL") as step:
            database = _existing_cluster(session) or _create(session, step)
            _start(session, database)
            step.note = f"port {database.port}, its address in {VARIABLE}"
    return running_url(session)


def running_url(session: Session) -> dict[str, str]:
    """Return `DATABASE_URL` of the server, nothing where there is none."""
    database = session.state.database
    if database is None:
        return {}
    return {VARIABLE: f"postgresql://{USER}:{database.password}@{LOOPBACK}:{database.port}/postgres"}


def delete(session: Session) -> None:
    """Delete the data of a server that has been stopped."""
    shutil.rmtree(session.folders.database, ignore_errors=True)
    if session.state.database is not None:
        shutil.rmtree(session.state.database.folder, ignore_errors=True)


def _create(session: Session, step: Step) -> Database:
    """Create the cluster, whose one user has a password: other users of this machine can reach the port."""
    database = Database(folder=str(_folder(session)), port=free_port(), password=secrets.token_urlsafe(24))
    session.state.database = database
    session.save()
    password = _password_file(database)
    password.write_text(database.password, encoding="utf-8")
    _chown(password)
    command = [_binary("initdb"), "-D", f"{database.folder}/data", "-U", USER, "--auth=scram-sha-256"]
    command += [f"--pwfile={password}", "--no-sync", "-E", "UTF8", "--locale=C"]
    run(session, _program("initdb", command, database), step)
    password.unlink()
    return database


def _password_file(database: Database) -> Path:
    return Path(database.folder) / "password"


def _existing_cluster(session: Session) -> Database | None:
    """Return the database of a server that ended by itself, on a port that is free now."""
    database = session.state.database
    if database is None or not Path(database.folder, "data").exists() or _password_file(database).exists():
        return None  # with its password file, the cluster was not created to the end
    # Its process has ended, but where nobody has reaped it yet the server would think that it runs.
    Path(database.folder, "data", "postmaster.pid").unlink(missing_ok=True)
    session.state.database = replace(database, port=free_port())
    return session.state.database


def _start(session: Session, database: Database) -> None:
    settings = [part for each in SETTINGS for part in ("-c", each)]
    command = [_binary("postgres"), "-D", f"{database.folder}/data", "-h", LOOPBACK, "-p", str(database.port)]
    # No socket in a shared folder.
    command += ["-k", "", *settings]
    probe = [_binary("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(database.port)]
    record = session.start(ROLE, command, {"TMPDIR": database.folder}, cwd=Path(database.folder), user=_os_user())
    session.supervisor.wait_until(
        lambda: session.supervisor.succeeds(probe), record, seconds=READY_SECONDS, what="PostgreSQL"
    )


def _program(role: str, command: list[str], database: Database) -> Program:
    return Program(
        role=role,
        title=role,
        command=command,
        environment={"TMPDIR": database.folder},
        cwd=Path(database.folder),
        seconds=INITDB_SECONDS,
        user=_os_user(),
    )


def _folder(session: Session) -> Path:
    """Return an empty folder for the server's user, who cannot enter the state folder of root."""
    delete(session)
    if _os_user() is None:
        session.folders.database.mkdir(mode=0o700)
        return session.folders.database
    folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir="/var/tmp"))
    _chown(folder)
    return folder


def _chown(path: Path) -> None:
    user = _os_user()
    if user is not None:
        shutil.chown(path, user)


def _os_user() -> str | None:
    """Return the user that the server runs as, None for this one. Raises `OperatorError` where root has none for it."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(OS_USER).pw_name
    except KeyError as error:
        raise OperatorError(
            f"services = ['{SERVICE}'] started by root needs the user {OS_USER}, which does not exist", INSTALL
        ) from error


def _binary(name: str) -> str:
    """Return the program, of the newest version of Debian's package or of `PATH`. Raises `OperatorError`."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4))
    path = shutil.which(name, path=os.pathsep.join([*map(str, reversed(versions)), os.environ.get("PATH", "")]))
    if path is None:
        raise OperatorError(f"services = ['{SERVICE}'] needs PostgreSQL, and {name} is not installed", INSTALL)
    return path
