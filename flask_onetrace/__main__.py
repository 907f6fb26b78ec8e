"""Serve what `FLASK_APP` names by gunicorn: `python -m flask_onetrace`, with gunicorn's options behind it.

It is gunicorn's own command with our configuration, and starts with any `WEB_CONCURRENCY` too, which gunicorn reads at
its import and fails for where it is no number.
"""

from __future__ import annotations

import sys
from pathlib import Path

from flask_onetrace.contract import SERVER_APP, SERVER_CONFIG, Variable
from flask_onetrace.telemetry.library_environment import without_variables


def main() -> None:
    """Run gunicorn until it exits, which ends the process with its exit code."""
    try:
        with without_variables(Variable.WEB_CONCURRENCY):  # the configuration reads it
            from gunicorn.app.wsgiapp import run  # noqa: PLC0415 - reads the environment
    except ImportError as error:
        sys.exit(f'{error}: pip install "Flask-OneTrace[server]"')
    command = str(Path(sys.executable).with_name("gunicorn"))  # which gunicorn executes again at SIGUSR2
    sys.argv = [command, "--config", SERVER_CONFIG, *sys.argv[1:], SERVER_APP]
    run()


if __name__ == "__main__":
    main()
