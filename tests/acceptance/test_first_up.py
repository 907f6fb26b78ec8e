"""A first `make up` that fails says why and leaves nothing behind; one with a database keeps it until `make down`."""

from __future__ import annotations

import re
from pathlib import Path

import psutil
import pytest

from local.workspace.http_client import direct_client
from tests.acceptance.conftest import Checkout, address_of

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]


def refusal(checkout: Checkout, app: Path) -> str:
    """Return the error of a `make up` that ends before its first step."""
    failed = checkout.run("up", APP=str(app))
    assert (failed.returncode, failed.stdout) == (1, "")
    return failed.stderr


def test_a_first_deploy_that_fails_leaves_no_process(checkout: Checkout, tmp_path: Path) -> None:
    app = tmp_path / "broken"
    app.mkdir()
    (app / "wsgi.py").write_text("from flask import Flask\napp = Flask('x')\n@app.get('/')\ndef i(): return 'x', 418\n")
    (app / "onetrace.toml").write_text("[smoke_test]\npath = '/'\n")

    failed = checkout.run("up", APP=str(app))

    assert failed.returncode == 1
    assert "GET / returned 418, expected 200" in failed.stderr
    assert checkout.running_processes() == []


def test_a_first_health_check_that_fails_says_why_is_polled_slowly_and_its_log_lines_are_kept(
    checkout: Checkout, tmp_path: Path
) -> None:
    app = tmp_path / "broken"
    app.mkdir()
    (app / "wsgi.py").write_text(
        "from flask import Flask\napp = Flask('x')\n@app.get('/healthz')\ndef i(): raise LookupError('no tables')\n"
    )
    (app / "onetrace.toml").write_text("health_check_path = '/healthz'\n")

    failed = checkout.run("up", APP=str(app), LOCAL_READY_SECONDS="6")

    assert failed.returncode == 1
    error = re.search(
        r"^    LookupError: no tables\nerror: .* returned 500, .*, trace id ([0-9a-f]{32})\. (.*)",
        failed.stderr,
        re.MULTILINE,
    )
    assert error, failed.stderr
    assert "LOCAL_READY_SECONDS" not in error[2]
    assert checkout.running_processes() == []
    lines = (checkout.state / "logs" / "log-group.log").read_text(encoding="utf-8").splitlines()
    assert any(error[1] in line and "LookupError: no tables" in line for line in lines)
    assert len([line for line in lines if '"status":500' in line]) <= 12
    after = checkout.run("logs")
    assert (after.returncode, "LookupError: no tables" in after.stdout) == (1, True)
    assert "Nothing is running; these are the logs of the last run" in after.stderr


def test_variables_of_an_unknown_environment_are_refused_before_anything_starts(
    checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "onetrace.toml").write_text("[variables.staging]\nCOLOUR = 'red'\n", encoding="utf-8")

    message = refusal(checkout, tmp_path)

    assert "[variables.staging] is of an unknown environment. Use one of local, dev, prod" in message


def test_an_app_that_nothing_names_is_refused_before_anything_starts(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text("from flask import Flask\nnotes = Flask('notes')\n", encoding="utf-8")

    message = refusal(checkout, tmp_path)

    assert f'Write flask_app = "notes" into {tmp_path}/onetrace.toml' in message


def test_packages_that_pip_cannot_read_are_refused_before_anything_starts(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask('x')\n", encoding="utf-8")
    (tmp_path / "Pipfile").touch()

    message = refusal(checkout, tmp_path)

    assert "lists its packages in Pipfile, which pip does not read. Run pipenv requirements" in message


def test_a_description_that_cannot_be_used_is_one_error(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "onetrace.toml").write_text("prot = 1\n", encoding="utf-8")

    message = refusal(checkout, tmp_path)

    assert message.startswith(f"error: {tmp_path}/onetrace.toml: prot is not a key. Write port, or another of ")


def test_requirements_that_cannot_be_installed_show_uvs_message(checkout: Checkout, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask('x')\n", encoding="utf-8")
    (tmp_path / "requirements.txt").write_text("not a requirement\n", encoding="utf-8")

    failed = checkout.run("up", APP=str(tmp_path))

    assert failed.returncode == 1
    assert "requirements.txt" in failed.stderr
    assert "error: Installing the packages of" in failed.stderr
    assert checkout.running_processes() == []


def test_a_database_is_given_to_the_app_survives_a_crash_and_is_deleted_by_down(
    checkout: Checkout, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(
        "import os, psycopg2\nfrom flask import Flask\napp = Flask('x')\n@app.get('/')\ndef i():\n"
        "    with psycopg2.connect(os.environ['DATABASE_URL']) as c, c.cursor() as q:\n"
        "        q.execute('select count(*) from t'); return str(q.fetchone()[0])\n",
        encoding="utf-8",
    )
    (tmp_path / "prepare.py").write_text(
        "import os, psycopg2\nwith psycopg2.connect(os.environ['DATABASE_URL']) as c, c.cursor() as q:\n"
        "    q.execute('create table if not exists t (x int); insert into t values (1)')\n",
        encoding="utf-8",
    )
    (tmp_path / "requirements.txt").write_text("psycopg2-binary\n", encoding="utf-8")
    (tmp_path / "onetrace.toml").write_text(
        "name = 'Db'\n[smoke_test]\npath = '/'\n"
        "[local]\nservices = ['postgresql']\nbefore_start = 'python prepare.py'\n",
        encoding="utf-8",
    )

    result = checkout.run("up", APP=str(tmp_path))

    assert result.returncode == 0, result.stdout + result.stderr
    database = checkout.recorded().database
    assert database is not None
    assert Path(database.folder).exists()
    assert database.password not in result.stdout
    psutil.Process(checkout.pid("postgresql")).kill()
    result = checkout.run("up", APP=str(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr
    with direct_client() as client:
        rows = client.get(f"{address_of(result.stdout)}/", timeout=60).text
    assert rows == "2", "one of each start"
    assert "Stopped postgresql" in checkout.run("down").stdout
    assert not Path(database.folder).exists()
    assert checkout.running_processes() == []
