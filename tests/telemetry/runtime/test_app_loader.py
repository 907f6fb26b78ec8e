"""FLASK_APP is read as Flask reads it, and an application that cannot be loaded is explained in one message."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from flask_onetrace.app_loader import AppLoadError, load_app
from tests.telemetry.runtime.apps import write

MODULE = """
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    class Shop(Flask):
        pass

    app = Shop("shop")
    mounted = DispatcherMiddleware(app, {})

    def create_mounted():
        return DispatcherMiddleware(app, {})

    async def create_async():
        return app

    class WsgiToAsgi:
        def __init__(self, wsgi_application):
            self.wsgi_application = wsgi_application
        async def __call__(self, scope, receive, send):
            pass

    adapted = WsgiToAsgi(app)

    class Asgi:
        async def __call__(self, scope, receive, send):
            pass

    asgi = Asgi()

    def create_app(name, debug=False):
        app = Flask(name)
        app.debug = debug
        return app

    def fail():
        raise LookupError("no database")

    def leave():
        raise SystemExit("usage: shop")

    def panic():
        raise GeneratorExit("a panic, which is no Exception")
"""


@pytest.fixture(autouse=True)
def _applications(folder: Path) -> None:
    write(folder, "loaded_shop.py", MODULE)
    write(folder, "loaded_package/__init__.py", "")
    write(folder, "loaded_package/web.py", "from flask import Flask\napplication = Flask('web')")
    write(folder, "loaded_outer.py", "import loaded_inner")
    write(folder, "loaded_inner.py", "import nothing_of_this_name")
    write(folder, "loaded_typo.py", "def create_app(:")
    write(folder, "loaded_proxied.py", "from flask import Flask\nclass Proxied: pass\napp = Proxied()")


@pytest.mark.parametrize(
    ("flask_app", "name"),
    [
        ("loaded_shop", "shop"),
        ("loaded_shop:app", "shop"),
        ("loaded_shop.py:app", "shop"),
        ("loaded_shop:create_app('other')", "other"),
        ("loaded_shop:create_app('other', debug=True)", "other"),
        ("loaded_package.web", "web"),
        ("loaded_package/web.py:application", "web"),
        ("loaded_package/web", "web"),
        ("loaded_shop:mounted", "shop"),
    ],
)
def test_what_flask_takes_is_taken(flask_app: str, name: str) -> None:
    app = load_app(flask_app)
    assert (app.name, app.debug) == (name, "debug=True" in flask_app)


@pytest.mark.parametrize("name", ["wsgi.py", "app.py"])
def test_without_flask_app_the_working_directory_has_it(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)  # another test's
    write(folder, name, f"from flask import Flask\nsite = Flask({name!r})")
    assert load_app("").name == name


def test_a_call_of_run_that_is_not_guarded_starts_no_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "loaded_script.py", "from flask import Flask\napp = Flask('script')\napp.run()")
    assert load_app("loaded_script").name == "script"
    assert "Ignoring a call to 'app.run()'" in capsys.readouterr().out
    assert "FLASK_RUN_FROM_CLI" not in os.environ


@pytest.mark.parametrize(
    ("module", "patches", "remedy"),
    [
        (("gevent.monkey", "is_module_patched"), "threading", "'--worker-class gevent'"),
        (("eventlet.patcher", "is_monkey_patched"), "thread", r"remove the call of `eventlet\.monkey_patch\(\)`"),
    ],
)
def test_an_application_that_patches_threads_is_refused_unless_the_worker_has_done_so_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: tuple[str, str], patches: str, remedy: str
) -> None:
    patched: set[str] = set()
    name, function = module
    library = ModuleType(name)
    vars(library).update(patched=patched, **{function: patched.__contains__})
    monkeypatch.setitem(sys.modules, name, library)
    write(folder, "loaded_beside.py", "from flask import Flask\napp = Flask('beside')")
    write(
        folder,
        "loaded_patching.py",
        f"""
        import sys
        from flask import Flask

        sys.modules["{name}"].patched.add("{patches}")
        app = Flask("patching")
    """,
    )
    assert load_app("loaded_beside").name == "beside"
    with pytest.raises(AppLoadError, match=remedy):
        load_app("loaded_patching")
    assert load_app("loaded_patching").name == "patching"


@pytest.mark.parametrize(
    ("flask_app", "parts"),
    [
        ("", ["FLASK_APP is empty", "neither wsgi.py nor app.py in ", "set it, for example `orders:create_app()`"]),
        ("loaded_nothing", ["cannot be imported from ", "No module named 'loaded_nothing'", "for example"]),
        ("loaded_nothing:app", ["No module named 'loaded_nothing'", "for example"]),
        ("loaded_shop:nothing", ["Failed to find attribute 'nothing' in 'loaded_shop'", "for example"]),
        ("loaded_shop:create_app", ["missing 1 required positional argument: 'name'", "Pass what it needs"]),
        ("loaded_shop:create_app(os)", ["Failed to parse arguments as literal values", "for example"]),
        (
            "loaded_shop:create_mounted()",
            ["valid Flask application was not obtained", "`app.wsgi_app = Middleware(app.wsgi_app)`"],
        ),
        ("loaded_shop:asgi", ["valid Flask application was not obtained", "ASGI application"]),
        ("loaded_shop:adapted", ["valid Flask application was not obtained", "ASGI application"]),
        ("/", ["cannot be imported from ", "Empty module name", "for example"]),
        (
            "loaded_outer",
            ["raises ModuleNotFoundError", 'loaded_inner.py", line 1', "No module named 'nothing_of_this"],
        ),
        ("loaded_typo", ["raises SyntaxError", "def create_app(:"]),
        ("loaded_shop:fail()", ["raises LookupError", "in fail", "LookupError: no database"]),
        ("loaded_shop:leave()", ["exits while it is loaded", "usage: shop"]),
        ("loaded_shop:panic()", ["raises GeneratorExit", "in panic", "a panic, which is no Exception"]),
        ("loaded_proxied", ["Failed to find Flask application", "`app.wsgi_app = Middleware(app.wsgi_app)`"]),
    ],
)
def test_what_cannot_be_loaded_is_explained(flask_app: str, parts: list[str]) -> None:
    with pytest.raises(AppLoadError) as raised:
        load_app(flask_app)
    message = str(raised.value)
    assert [part for part in ["FLASK_APP", flask_app, *parts] if part not in message] == []
    assert "app_loader.py" not in message
    assert "flask/cli.py" not in message


NAMES_VARIABLE = "its environment has no NOWHERE_SET. Set it; with these stacks, give it NOWHERE_SET by [secrets] or"
NAMES_NONE = "correct the application, or install what it needs"


@pytest.mark.parametrize(
    ("code", "part"),
    [
        ("os.environ['NOWHERE_SET']", NAMES_VARIABLE),
        ("os.environ.pop('NOWHERE_SET')", NAMES_VARIABLE),
        ("dict(os.environ)['NOWHERE_SET']", NAMES_NONE),
        ("{}['NOWHERE_SET']", NAMES_NONE),
        ("os._Environ({}, str, str, str, str)['NOWHERE_SET']", NAMES_NONE),
        ("raise_(KeyError('NOWHERE_SET'))", NAMES_NONE),
        ("raise_(KeyError())", NAMES_NONE),
    ],
)
def test_a_variable_that_the_environment_lacks_is_named(folder: Path, code: str, part: str) -> None:
    raises = "def raise_(error):\n    raise error\n"
    write(folder, "loaded_variable.py", f"import os\n{raises}def create_app():\n    {code}\n")

    with pytest.raises(AppLoadError, match="raises KeyError while it is loaded") as raised:
        load_app("loaded_variable:create_app()")

    assert part in str(raised.value)


@pytest.mark.filterwarnings("ignore:.*'create_async' was never awaited")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_async_factory_is_named_as_one() -> None:
    with pytest.raises(AppLoadError, match="It is an async function: make it a plain one"):
        load_app("loaded_shop:create_async()")
    gc.collect()  # in this test, as Python warns of the coroutine when it is freed


def test_a_very_long_value_is_cut() -> None:
    with pytest.raises(AppLoadError) as raised:
        load_app("x" * 5000)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("flask_app", ["loaded_layers", "loaded_layers:app", "loaded_layers:outer"])
def test_middleware_around_an_application_is_called_once_and_in_order(folder: Path, flask_app: str) -> None:
    write(
        folder,
        "loaded_layers.py",
        """
        from flask import Flask, request
        from werkzeug.middleware.dispatcher import DispatcherMiddleware
        from werkzeug.middleware.proxy_fix import ProxyFix

        class Count:
            def __init__(self, application):
                self.application, self.calls = application, 0

            def __call__(self, environ, start_response):
                self.calls += 1
                environ["count"] = self.calls
                return self.application(environ, start_response)

        app = Flask("layers")
        app.get("/")(lambda: f"{request.remote_addr} {request.environ['count']}")
        outer = app = Count(DispatcherMiddleware(ProxyFix(app), {}))
    """,
    )
    app = load_app(flask_app)
    for count in (1, 2):
        response = app.test_client().get("/", headers={"X-Forwarded-For": "192.0.2.7"})
        assert response.text == f"192.0.2.7 {count}"
