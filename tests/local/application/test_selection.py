from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.application import DEFAULT_FOLDER, Application
from local.application.selection import (
    deployed_application,
    refuse_another,
    refuse_unnamed,
    refuse_unselected,
    relative_path,
    selected_application,
    to_state,
    update_command,
    working_directory,
)
from operations.errors import OperatorError


def app(folder: Path, description: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "onetrace.toml").write_text(description, encoding="utf-8")
    return folder


def test_without_app_it_is_the_sample_whatever_the_shell_has_as_flask_app() -> None:
    sample = selected_application({"FLASK_APP": "another:app"})

    assert (sample.folder, sample.flask_app) == (DEFAULT_FOLDER.resolve(), "service.factory:create_app()")


def test_beside_app_flask_app_takes_precedence_over_the_description(tmp_path: Path) -> None:
    folder = app(tmp_path / "shop", "flask_app = 'shop'")

    assert selected_application({"APP": str(folder)}).flask_app == "shop"
    assert selected_application({"APP": str(folder), "FLASK_APP": "wsgi"}).flask_app == "wsgi"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (
            "[variables.staging]\nA = 'b'",
            r"\[variables\.staging\] is of an unknown environment\. Use one of local, dev, ",
        ),
        ("prot = 1", r"onetrace\.toml: prot is not a key\. Write port, or another of "),
        ("port = 0", r"port = 0 is malformed\. Write "),
    ],
)
def test_a_description_that_cannot_be_used_is_an_error_with_its_remedy(
    tmp_path: Path, description: str, message: str
) -> None:
    with pytest.raises(OperatorError, match=message):
        selected_application({"APP": str(app(tmp_path / "shop", description))})


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=rf"APP='{tmp_path}/nowhere' is no folder\. Set it"):
        selected_application({"APP": str(tmp_path / "nowhere")})


def test_what_is_up_is_found_again_with_the_same_flask_app(tmp_path: Path) -> None:
    environ = {"APP": str(app(tmp_path / "shop")), "FLASK_APP": "shop"}
    application = selected_application(environ)

    assert deployed_application(to_state(application, environ)) == application


def test_another_application_than_the_one_that_is_up_is_refused_with_both_ways_out(tmp_path: Path) -> None:
    first, second = (selected_application({"APP": str(app(tmp_path / name))}) for name in ("first", "second"))
    up = to_state(first, {})

    refuse_another(up, first)
    with pytest.raises(OperatorError, match=r"make down first.*make up APP=.*/first.*LOCAL_STATE_DIR"):
        refuse_another(up, second)


def test_the_refusal_quotes_the_command_for_a_shell_and_has_flask_app(tmp_path: Path) -> None:
    environ = {"APP": str(app(tmp_path / "my shop")), "FLASK_APP": "shop:create_app()"}
    up = to_state(selected_application(environ), environ)

    with pytest.raises(OperatorError) as refusal:
        refuse_another(up, selected_application({}))

    assert f"by make up APP='{relative_path(tmp_path)}/my shop' FLASK_APP='shop:create_app()';" in str(refusal.value)


def test_what_app_selects_must_be_up_only_where_app_is_set(tmp_path: Path) -> None:
    first, second = (str(app(tmp_path / name)) for name in ("first", "second"))
    up = to_state(selected_application({"APP": first}), {})

    refuse_unselected(up, {})
    refuse_unselected(up, {"APP": " "})
    refuse_unselected(up, {"APP": first})
    refuse_unselected(None, {"APP": second})
    with pytest.raises(OperatorError, match=r"is up, and APP selects"):
        refuse_unselected(up, {"APP": second})


def test_what_is_up_can_be_stopped_after_a_bad_edit_of_its_description(tmp_path: Path) -> None:
    folder = app(tmp_path / "shop")
    up = to_state(selected_application({"APP": str(folder)}), {})
    (folder / "onetrace.toml").write_text("prot = 1", encoding="utf-8")

    refuse_unselected(up, {"APP": str(folder)})


@pytest.mark.parametrize("is_up", [True, False])
def test_an_app_that_cannot_be_selected_is_an_error_whatever_is_up(tmp_path: Path, *, is_up: bool) -> None:
    up = to_state(selected_application({}), {}) if is_up else None

    with pytest.raises(OperatorError, match="nowhere' is no folder"):
        refuse_unselected(up, {"APP": str(tmp_path / "nowhere")})


def test_the_sample_that_is_up_is_updated_without_app(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="update what is up by make up;"):
        refuse_another(
            to_state(selected_application({}), {}), selected_application({"APP": str(app(tmp_path / "shop"))})
        )


def test_the_command_that_updates_it_selects_it_again(tmp_path: Path) -> None:
    environ = {"APP": str(app(tmp_path / "my shop")), "FLASK_APP": "shop:create_app()"}

    up = to_state(selected_application(environ), environ)
    command = f"make up APP='{relative_path(tmp_path)}/my shop' FLASK_APP='shop:create_app()'"

    assert update_command(to_state(selected_application({}), {})) == "make up"
    assert update_command(up) == command
    with pytest.raises(OperatorError, match=re.escape(f"update what is up by {command};")):
        refuse_another(up, selected_application({}))


def application_of(folder: Path, flask_app: str | None) -> Application:
    return Application(name="Shop", service_name="Shop", folder=folder, flask_app=flask_app)


@pytest.mark.parametrize("flask_app", [None, "shop", "shop:create_app()", "shop.factory:app"])
def test_the_working_directory_is_the_folder(tmp_path: Path, flask_app: str | None) -> None:
    assert working_directory(application_of(app(tmp_path / "shop"), flask_app)) == tmp_path / "shop"


def test_the_working_directory_of_a_folder_that_is_the_package_is_its_parent(tmp_path: Path) -> None:
    folder = app(tmp_path / "shop")
    (folder / "__init__.py").touch()

    assert working_directory(application_of(folder, "shop.factory:create_app()")) == tmp_path
    assert working_directory(application_of(folder, "wsgi:app")) == folder


@pytest.mark.parametrize(
    ("file", "text", "example"),
    [
        ("shop.py", "app = Flask(__name__)", "shop"),
        ("web/__init__.py", "app = flask.Flask(__name__)", "web"),
        ("src/web/__init__.py", "app = Flask(__name__)", "web"),
        ("shop.py", "import flask", "orders:create_app()"),
    ],
)
def test_where_nothing_names_the_app_the_module_that_makes_one_is_proposed(
    tmp_path: Path, file: str, text: str, example: str
) -> None:
    folder = app(tmp_path / "shop")
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text, encoding="utf-8")

    with pytest.raises(
        OperatorError, match=re.escape(f'Write flask_app = "{example}" into {folder}/onetrace.toml, or pass')
    ):
        refuse_unnamed(application_of(folder, None))


@pytest.mark.parametrize("file", ["wsgi.py", "app.py"])
def test_an_app_that_flask_finds_by_itself_needs_no_name(tmp_path: Path, file: str) -> None:
    folder = app(tmp_path / "shop")
    (folder / file).touch()

    refuse_unnamed(application_of(folder, None))
    refuse_unnamed(application_of(app(tmp_path / "other"), "other"))
