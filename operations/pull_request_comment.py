"""Post what the workflow's steps have written as one comment on the pull request, or update the one that it has.

Runs in GitHub Actions, of which it reads the default environment variables and the token.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import requests

from operations.errors import OperatorError, without_credentials

FOLDER: Final = Path("cdk.out/comment")
"""Every file `*.md` in it is a section of the comment, in the order of their names."""
MARKER: Final = "<!-- changes of this pull request: updated by .github/workflows/diff.yml -->"
"""The comment's first line, which is not displayed."""
AUTHOR: Final = "github-actions[bot]"
"""Who comments with the token of a workflow. Without it a stranger's comment with the marker would be overwritten."""
MAX_BODY: Final = 65_536
"""Characters that GitHub accepts ("body is too long", its REST API)."""
_API: Final = "https://api.github.com"
_VERSION: Final = "2022-11-28"
_PAGE: Final = 100
_MAX_PAGES: Final = 50
_TIMEOUT: Final = (5.0, 30.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Create or update the comment and print its URL; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.pull_request_comment", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the sections (default: %(default)s)")
    folder: Path = parser.parse_args(arguments).folder
    try:
        with Comments() as comments:
            sys.stdout.write(f"{comments.write(body(folder))}\n")
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
        return 1
    return 0


def body(folder: Path) -> str:
    """Return the comment of the sections. Raises `OperatorError` where there are none.

    A section that does not fit any more is replaced by a line: cut in two, its code block would have no end.
    """
    sections = [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.md"))]
    if not sections:
        raise OperatorError(f"There is no section in {folder}", "Run make diff-comment first")
    text = MARKER
    reserve = sum(len(_too_long(name)) for name, _ in sections)
    for name, section in sections:
        fits = len(text) + len(section) + reserve < MAX_BODY
        text += f"\n{section}" if fits else _too_long(name)
    return text


def _too_long(name: str) -> str:
    return f"\n### {name}: too long for this comment, see the job's log\n"


class Comments:
    """The comments of the pull request that the workflow runs for (REST API endpoints for issue comments, GitHub)."""

    def __init__(self) -> None:
        api = os.environ.get("GITHUB_API_URL", _API)
        self._repository = f"{api}/repos/{_variable('GITHUB_REPOSITORY')}"
        self._pull_request = f"{self._repository}/issues/{_number(Path(_variable('GITHUB_EVENT_PATH')))}/comments"
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {_variable('GITHUB_TOKEN')}",
                "X-GitHub-Api-Version": _VERSION,
            }
        )

    def __enter__(self) -> Comments:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def write(self, text: str) -> str:
        """Update the comment that has the marker, or create it, and return its URL. Raises `OperatorError`."""
        own = next((each for each in self._all() if _is_own(each)), None)
        if own is None:
            written = self._send("POST", self._pull_request, json={"body": text})
        else:
            written = self._send("PATCH", f"{self._repository}/issues/comments/{own['id']}", json={"body": text})
        return str(written["html_url"])

    def _all(self) -> Iterator[Mapping[str, Any]]:
        for page in range(1, _MAX_PAGES + 1):
            comments = self._send("GET", self._pull_request, params={"per_page": _PAGE, "page": page})
            yield from comments
            if len(comments) < _PAGE:
                return

    def _send(self, method: str, url: str, **options: Any) -> Any:  # noqa: ANN401 - requests' options, and any JSON
        try:
            response = self._session.request(method, url, timeout=_TIMEOUT, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise OperatorError(f"No response from {url} ({type(error).__name__})", "Run the job again") from error
        if response.ok and not response.is_redirect:
            return response.json()
        refused = response.status_code in {requests.codes.unauthorized, requests.codes.forbidden}
        remedy = "Give the job `pull-requests: write`, which a pull request from a fork cannot have"
        raise OperatorError(
            f"{method} {url} answered {response.status_code}", remedy if refused else "Run the job again"
        )


def _is_own(comment: Mapping[str, Any]) -> bool:
    author = comment.get("user") or {}
    return author.get("login") == AUTHOR and str(comment.get("body", "")).startswith(MARKER)


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise OperatorError(f"{name} is not set", "Run it in GitHub Actions, with GITHUB_TOKEN in the step's env")
    return value


def _number(event: Path) -> int:
    """Return the pull request's number, of the event's payload: as text in a `run:` it could be anything."""
    payload = json.loads(event.read_text(encoding="utf-8"))
    try:
        return int(payload["pull_request"]["number"])
    except (KeyError, TypeError, ValueError) as error:
        raise OperatorError(f"{event} is not the event of a pull request", "Run it for pull_request only") from error


if __name__ == "__main__":
    sys.exit(main())
