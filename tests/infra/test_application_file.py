"""A description either loads or is refused with file, key, value and remedy; no error shows a secret."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH
from infra.application import (
    DEFAULT_FOLDER,
    RUNTIME_HEALTH_COMMAND,
    RUNTIME_USER,
    ApplicationError,
    selected_folder,
)
from infra.application_file import FILE, load
from infra.names import default_name
from tests.infra.application_files import described, refusal

ROOT = Path(__file__).parents[2]
BOOKINGS = Path(__file__).parent / "bookings"
SENTINEL = "sentinel-5ecret"


def test_a_folder_without_a_description_has_its_name_and_the_runtimes_defaults(tmp_path: Path) -> None:
    folder = tmp_path / "order-service"
    folder.mkdir()
    application = load(folder)
    assert (application.name, application.service_name) == ("OrderService", "OrderService")
    assert application.health_check_path == RUNTIME_HEALTH_CHECK_PATH
    assert (application.image.health_command, application.image.user) == (RUNTIME_HEALTH_COMMAND, RUNTIME_USER)
    assert (application.requirements, application.flask_app) == (None, None)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("app", "App"),
        ("my_app.v2", "MyAppV2"),
        ("2048", "App2048"),
        ("a-very-long-name-of-an-application", r"AVeryLongNam[0-9a-f]{4}"),
        ("приложение", r"App[0-9a-f]{4}"),
        ("", r"App"),
    ],
)
def test_the_default_name_is_made_of_any_folders(folder: str, name: str) -> None:
    assert re.fullmatch(name, default_name(Path(folder)))


def test_long_folder_names_that_begin_alike_have_different_names() -> None:
    assert default_name(Path("a-very-long-name-one")) != default_name(Path("a-very-long-name-two"))


@pytest.mark.parametrize("name", ["service", "infra/../service", "link/service"])
def test_the_sample_application_is_recognized_however_its_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(ROOT)
    folder = tmp_path / name if name.startswith("link") else ROOT / name
    assert selected_folder({"APP": str(folder)}) == selected_folder({}) == DEFAULT_FOLDER
    assert load(folder).is_sample
    assert not load(BOOKINGS).is_sample


def test_flask_app_of_the_environment_replaces_the_files(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('flask_app = "orders:app"', encoding="utf-8")
    assert (load(tmp_path).flask_app, load(tmp_path, "other:app").flask_app) == ("orders:app", "other:app")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "order-service"', "name = 'order-service' is malformed: write up to 16 letters and digits"),
        ('name = "An4567890123456789"', "name = 'An4567890123456789' is malformed"),
        ('service_name = "XRay.Daemon"', "service_name = 'XRay.Daemon' is malformed"),
        ("port = 70000", "port = 70000 is malformed: write a number from 1 to 65535"),
        ("port = true", "port = True is malformed"),
        ('health_check_path = "/a\\"b"', "health_check_path = '/a\"b' is malformed: write a path"),
        ('health_check_path = "/a%20b"', "health_check_path = '/a%20b' is malformed: write a path"),
        ("port = 2000", "port = 2000 is the X-Ray daemon's: use another one"),
        ('[variables]\nPYTHONPATH = "src"', "variables.PYTHONPATH cannot be set here: the image sets it"),
        ('[variables.dev]\nPATH = "/bin"', "variables.dev.PATH cannot be set here: the image sets it"),
        ('[secrets]\nPYTHONPATH = "path"', "secrets.PYTHONPATH cannot be set here: the image sets it"),
        ('health_check_path = "/*"', "health_check_path = '/*' is malformed"),
        ("colour = 1", "colour is not a key: use one of context, dockerfile, flask_app"),
        ('flaskapp = "shop"', "flaskapp is not a key: write flask_app, or another of context, dockerfile"),
        ('[smoke_test]\nstats = 1', "smoke_test.stats is not a key: write status, or another of headers, path, status"),
        ('"a\\nb" = 1', "'a\\nb' is not a key"),
        ("[variables]\nDEBUG = true", "variables.DEBUG = True is malformed: write a string"),
        ('[variables]\n"A-B" = "1"', "variables.A-B = '1' is malformed: write another name"),
        ('[variables]\nPORT = "1"', "variables.PORT cannot be set here: use the key port"),
        ('[variables.dev]\nFLASK_APP = "x"', "variables.dev.FLASK_APP cannot be set here: use the key flask_app"),
        ('[variables]\nHONEYCOMB_API_KEY = "x"', "variables.HONEYCOMB_API_KEY cannot be set here: make secrets"),
        ('[variables]\nFAULT_ROUTES = "true"', "variables.FAULT_ROUTES cannot be set here: it is a choice of the env"),
        ('[variables]\nWEB_THREADS = "0"', "variables.WEB_THREADS = '0' is malformed: write a number from 1 to 999"),
        ('[variables]\nA = "{{resolve:ssm:x}}"', "variables.A = '{{resolve:ssm:x}}' is malformed"),
        ('[variables]\nA = "${Token[TOKEN.1]}"', "variables.A = '${Token[TOKEN.1]}' is malformed"),
        ('[variables.dev.more]\nA = "1"', "variables.dev.more = {'A': '1'} is malformed"),
        ('[smoke_test]\nstatus = 99', "smoke_test.status = 99 is malformed: write a number from 100 to 599"),
        ('dockerfile = "/etc/passwd"', "dockerfile = '/etc/passwd' is outside /"),
        ('dockerfile = "Dockerfile"', "dockerfile = 'Dockerfile' does not exist in /"),
        ('context = "."', "context needs `dockerfile`: set it or remove `context`"),
        ("runtime = false", "runtime = false needs `dockerfile`: set it or remove `runtime`"),
        ('context = "missing"', "context = 'missing' does not exist in /"),
        ('requirements = "../secret.txt"', "requirements = '../secret.txt' does not exist in /"),
        ('[variables]\nA = "1"\n[secrets]\nA = "a"', "secrets.A is in [variables] too: keep one of them"),
        ('[login]\nopen_paths = ["/a", "/b", "/c", "/d"]', "login.open_paths has too many paths (4): keep 3 at most"),
        ('[[task_role]]\nactions = ["s3:*"]', "task_role[0].resources = [] is malformed"),
        (
            '[[task_role]]\nactions = ["s3:*"]\nresources = ["arn:aws:s3:::{stage}"]',
            "task_role[0].resources = ['arn:aws:s3:::{stage}'] is malformed: write a list of which each is an ARN, in",
        ),
        ('[smoke_test.headers]\nX-A = "$API_KEY"', "smoke_test.headers.X-A (not shown) is malformed: write $NAME"),
        ('[smoke_test.headers]\nX-A = "5 $"', "smoke_test.headers.X-A (not shown) is malformed: write $NAME"),
        ('[local]\nservices = ["oracle"]', "local.services = ['oracle'] is malformed: write a list of which each"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_named_with_file_key_value_and_remedy(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


def test_an_image_without_the_runtime_has_a_health_check_of_its_own_and_is_tested_by_it(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").touch()
    text = 'dockerfile = "Dockerfile"\nruntime = false\n'
    assert refusal(tmp_path, text).startswith("runtime = false needs `health_check_path`: set it to a route of")
    application = described(tmp_path, f'{text}health_check_path = "/healthz"')
    assert not application.image.has_runtime
    assert application.smoke_test.path == "/healthz"


def test_a_header_of_the_smoke_test_takes_the_value_of_a_variable_or_secret(tmp_path: Path) -> None:
    text = """
[variables]
SCHEME = "Bearer"
[secrets]
TOKEN = "token"
[smoke_test.headers]
Authorization = "$SCHEME ${TOKEN}"
X-Price = "5 $$"
"""
    request = described(tmp_path, text).smoke_test
    filled = {"Authorization": "Bearer s3cret", "X-Price": "5 $"}
    assert request.headers_with({"SCHEME": "Bearer", "TOKEN": "s3cret"}) == filled


def test_a_header_of_the_smoke_test_takes_a_variable_that_differs_by_environment_and_is_known_on_this_machine(
    tmp_path: Path,
) -> None:
    text = '[variables.prod]\nTENANT = "a"\n[smoke_test.headers]\nX-Tenant = "$TENANT"\n'
    assert "[variables.<environment>] and [local.variables]" in refusal(tmp_path, text)
    for table in ("local.variables", "variables.local"):
        application = described(tmp_path, f'{text}[{table}]\nTENANT = "b"')
        assert application.smoke_test.headers_with(application.variables_in("prod")) == {"X-Tenant": "a"}


@pytest.mark.parametrize(
    "text",
    [
        f'[secrets]\nDATABASE_URL = "postgresql://user:{SENTINEL}@host/{SENTINEL}"',
        f'[secrets]\nDATABASE_URL = {{ value = "{SENTINEL}" }}',
        f'[secrets]\nHONEYCOMB_API_KEY = "{SENTINEL}"',
        f'[secrets]\n"DATABASE-URL" = "{SENTINEL}"',
        f'secrets = "{SENTINEL}"',
        f'[local.variables]\nDATABASE_URL = ["{SENTINEL}"]',
        f'[local.variables]\n"A B" = "{SENTINEL}"',
        f'[smoke_test.headers]\nAuthorization = ["{SENTINEL}"]',
        f'[variables]\nA = "1"\n[secrets]\nA = "{SENTINEL}"',
    ],
)
def test_no_error_shows_the_value_of_a_secret(tmp_path: Path, text: str) -> None:
    assert SENTINEL not in refusal(tmp_path, text)


def test_a_local_value_is_in_no_representation(tmp_path: Path) -> None:
    application = described(tmp_path, f'[local.variables]\nDATABASE_URL = "{SENTINEL}"')
    assert application.local.variables == {"DATABASE_URL": SENTINEL}
    assert SENTINEL not in repr(application)


def test_an_entry_that_secrets_manager_would_take_for_the_end_of_an_arn_is_refused(tmp_path: Path) -> None:
    assert "not ending in a hyphen and six characters" in refusal(tmp_path, '[secrets]\nA = "stripe-secret"')
    assert described(tmp_path, '[secrets]\nA = "stripe-key"').secrets == {"A": "stripe-key"}


def test_a_description_is_read_with_the_standard_library_alone() -> None:
    code = (
        "import sys; before = {*sys.modules}; import infra.application_file\n"
        "names = {each.partition('.')[0] for each in {*sys.modules} - before}\n"
        "print(*names - {*sys.stdlib_module_names})"
    )
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert set(process.stdout.split()) == {"flask_onetrace", "infra"}


@pytest.mark.parametrize("value", ["$HOME ${HOME} $$", "{region} {}", "%d", "a\nb", "ü€", ""])
def test_a_variable_is_passed_on_as_it_is_written(tmp_path: Path, value: str) -> None:
    escaped = value.replace("\n", "\\n")
    assert described(tmp_path, f'[variables]\nA = "{escaped}"').variables == {"A": value}


def test_variables_of_an_environment_are_added_to_the_others_or_replace_them() -> None:
    application = load(BOOKINGS)
    assert application.variables_in("prod")["PAGE_SIZE"] == "50"
    assert application.variables_in("dev") == application.variables


def test_variables_of_an_unknown_environment_are_refused(tmp_path: Path) -> None:
    text = "[variables.prod]\nA = '1'\n[variables.production]\nA = '2'"
    assert refusal(tmp_path, text) == (
        "[variables.production] is of an unknown environment: use one of local, dev, prod (infra/environments.py)"
    )


@pytest.mark.parametrize(
    "content", [b"name = ", b"\xff\xfe", b"[" * 100_000, b"a = " + b"[" * 100_000, b"a.b = 1\na = 2", b"\0"]
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ApplicationError, match=re.escape(f"{tmp_path / FILE} cannot be read: ")):
        load(tmp_path)


@pytest.mark.parametrize("folder", ["missing", "x" * 300, FILE])
def test_what_is_no_folder_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / FILE).touch()
    with pytest.raises(ApplicationError, match=re.escape(folder)):
        load(tmp_path / folder)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes('\ufeffname = "Orders"'.encode())
    assert load(tmp_path).name == "Orders"
