from __future__ import annotations

from pathlib import Path

from infra.fingerprint import fingerprint, unversioned
from local.deploy.docker_engine import Engine
from local.deploy.image import choose
from local.deploy.mode import ProcessMode
from tests.sample import CRUDDUR

ENGINE = Engine(socket=Path("/run/docker.sock"), version="27.5.1")


def tree(root: Path) -> Path:
    (root / "telemetry").mkdir(parents=True)
    (root / "wsgi.py").write_text("one", encoding="utf-8")
    (root / "telemetry" / "core.py").write_text("two", encoding="utf-8")
    return root


def test_equal_code_has_an_equal_fingerprint_of_twelve_hex_digits(tmp_path: Path) -> None:
    first, second = fingerprint(tree(tmp_path / "a")), fingerprint(tree(tmp_path / "b"))

    assert first == second
    assert len(bytes.fromhex(first)) == 6


def test_python_caches_do_not_change_the_fingerprint(tmp_path: Path) -> None:
    before = fingerprint(tree(tmp_path / "a"))
    cache = tmp_path / "a" / "telemetry" / "__pycache__"
    cache.mkdir()
    (cache / "core.cpython-311.pyc").write_bytes(b"cached")

    assert fingerprint(tmp_path / "a") == before


def test_what_an_application_writes_and_installs_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    before = fingerprint(tree(tmp_path / "a"))
    for name in (".git/HEAD", "env/pyvenv.cfg", "env/lib/flask.py", "node_modules/x.js", "shop.db", "debug.log"):
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_text("written", encoding="utf-8")

    assert fingerprint(tmp_path / "a") == before


def test_the_settings_of_this_machine_are_part_of_what_runs_here_but_not_of_the_version(tmp_path: Path) -> None:
    folder = tree(tmp_path / "a")
    before, version = fingerprint(folder), unversioned(folder)
    (folder / ".env").write_text("KEY=1", encoding="utf-8")

    assert fingerprint(folder) != before
    assert unversioned(folder) == version


def test_a_single_file_has_a_fingerprint_that_changes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("one", encoding="utf-8")
    before = fingerprint(file)
    file.write_text("two", encoding="utf-8")

    assert fingerprint(file) != before


def test_a_changed_renamed_or_added_file_changes_the_fingerprint(tmp_path: Path) -> None:
    fingerprints = {fingerprint(tree(tmp_path / "a"))}
    (tmp_path / "a" / "wsgi.py").write_text("changed", encoding="utf-8")
    fingerprints.add(fingerprint(tmp_path / "a"))
    (tmp_path / "a" / "wsgi.py").rename(tmp_path / "a" / "asgi.py")
    fingerprints.add(fingerprint(tmp_path / "a"))
    (tmp_path / "a" / "empty").touch()
    fingerprints.add(fingerprint(tmp_path / "a"))

    assert len(fingerprints) == 4


def test_content_moved_between_files_changes_the_fingerprint(tmp_path: Path) -> None:
    for name, first, second in (("a", "xy", "z"), ("b", "x", "yz")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_text(first, encoding="utf-8")
        (tmp_path / name / "2").write_text(second, encoding="utf-8")

    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")


def test_a_process_has_a_placeholder() -> None:
    image = choose(CRUDDUR, "0123456789ab", ProcessMode("LOCAL_MODE=process"))

    assert image.context == ("version=local+0123456789ab", "image=cruddur-backend-flask:0123456789ab")
    assert not image.is_built
    assert image.outcome("") == (
        "not built: the task definition names the placeholder cruddur-backend-flask:0123456789ab"
    )


def test_the_image_of_containers_is_built_and_has_a_remedy_without_it() -> None:
    image = choose(CRUDDUR, "0123456789ab", ENGINE)

    assert image.context == ("version=local+0123456789ab",)
    assert image.is_built
    assert "make up LOCAL_MODE=process" in image.remedy


def test_the_outcome_is_read_from_the_deploy_log() -> None:
    image = choose(CRUDDUR, "0123456789ab", ENGINE)
    template = "Cruddur-local-Service: success: Published Cruddur-local-Service Template (current_account)\n"
    published = "Cruddur-local-Service: success: Published Backend/Task/backend-flask/AssetImage (current_account)\n"

    assert "pushed to the emulated ECR" in image.outcome(template + published)
    assert "unchanged" in image.outcome(template)
