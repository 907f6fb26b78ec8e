"""Bundle the console's page with esbuild, where its sources have changed since it was built."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from local.workspace.folders import CHECKOUT
from operations.errors import OperatorError

WEB: Final = CHECKOUT / "local" / "console" / "web"
DIST: Final = WEB / "dist"
ESBUILD: Final = CHECKOUT / "node_modules" / ".bin" / "esbuild"
FLAGS: Final = (
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--jsx=automatic",
    "--jsx-import-source=preact",
    "--loader:.svg=copy",
    "--asset-names=[name]",
    "--outdir=dist",
    "--log-level=warning",
)
SECONDS: Final = 60


def build() -> Path:
    """Return the folder of the bundle. Raises `OperatorError` where esbuild is missing or fails."""
    if not _is_current():
        _run_esbuild()
    return DIST


def _is_current() -> bool:
    bundle = DIST / "main.js"
    sources = [WEB / "index.html", CHECKOUT / "package-lock.json", Path(__file__)]
    sources += (path for path in (WEB / "src").rglob("*") if path.is_file())
    return bundle.is_file() and all(path.stat().st_mtime < bundle.stat().st_mtime for path in sources)


def _run_esbuild() -> None:
    command = [str(ESBUILD), "src/main.tsx", "src/favicon.svg", *FLAGS]
    try:
        run = subprocess.run(  # noqa: S603 - the command is this project's own
            command, cwd=WEB, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except OSError as error:
        raise OperatorError(f"The console's page cannot be built: {error}", "Run make setup") from error
    if run.returncode != 0:
        raise OperatorError(f"esbuild cannot bundle {WEB}:\n{run.stderr}", "Correct the error above")
    (DIST / "main.js").touch()
