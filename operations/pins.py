"""Renew what is pinned: GitHub's actions by commit, container images by digest.

An action gets the newest release of its major version, an image the digest that its tag has now: that of the
multi-platform index. Prints one line per pin; nothing is written unless all are found.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import requests

from operations.errors import OperatorError, without_credentials

ROOT: Final = Path(__file__).parents[1]
GITHUB: Final = "https://github.com"
ACTION: Final = re.compile(
    r"(?<=uses: )(?P<name>[\w.-]+/[\w.-]+)(?P<folder>[\w./-]*)@(?P<pin>\S+)(?: # v(?P<version>\S+))?"
)
IMAGE: Final = re.compile(
    r"(?P<host>(?:[\w-]+\.)+[a-z]+|127\.0\.0\.1:\d+)/(?P<name>[a-z0-9._/-]+):(?P<tag>[\w.-]+)(?:@(?P<pin>sha256:[0-9a-f]{64}))?"
)
"""An image by its registry's host and its tag, as this project names all of them."""
_INDEX_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_TIMEOUT: Final = (5.0, 30.0)
_GIT_TIMEOUT: Final = 60


def workflows(root: Path) -> list[Path]:
    """Return the files that name actions."""
    return sorted(root.glob(".github/**/*.y*ml"))


def image_files(root: Path) -> list[Path]:
    """Return the files that name images."""
    names = (
        "service/Dockerfile",
        "infra/application_image/Dockerfile",
        "local/containers/images/Dockerfile",
        "compose.yaml",
        "infra/xray_daemon_image.py",
    )
    return [root / name for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Renew the pins; return 1 where one cannot be found or, with `--check`, has changed."""
    parser = argparse.ArgumentParser(prog="python -m operations.pins", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--github", default=GITHUB, help="URL below which the actions' repositories are")
    options = parser.parse_args(arguments)
    try:
        texts = dict(_renewed(options.root, options.github))
    except (OperatorError, requests.RequestException) as error:
        sys.stderr.write(f"{without_credentials(error)}\n")
        return 1
    for path, text in texts.items():
        if not options.check:
            path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(texts)} files {'would change' if options.check else 'changed'}.\n")
    return int(options.check and bool(texts))


def _renewed(root: Path, github: str) -> Iterator[tuple[Path, str]]:
    """Yield each file whose pins have changed, with its new text."""
    renewals: list[tuple[list[Path], re.Pattern[str], Callable[[re.Match[str]], str]]] = [
        (workflows(root), ACTION, lambda match: _action(match, github)),
        (image_files(root), IMAGE, _image),
    ]
    for paths, pattern, renew in renewals:
        for path in paths:
            text = path.read_text(encoding="utf-8")
            renewed = pattern.sub(renew, text)
            if renewed != text:
                yield path, renewed


def _action(match: re.Match[str], github: str) -> str:
    major = (match["version"] or match["pin"].removeprefix("v")).partition(".")[0]
    commit, version = newest_release(f"{github}/{match['name']}", major)
    return _report(match[0], f"{match['name']}{match['folder']}@{commit} # v{version}")


def newest_release(repository: str, major: str) -> tuple[str, str]:
    """Return the commit and the version of the newest tag `v<major>.x.y`. Raises `OperatorError`."""
    command = ["git", "ls-remote", "--tags", "--", repository]
    try:
        listing = subprocess.run(command, capture_output=True, text=True, timeout=_GIT_TIMEOUT, check=True).stdout  # noqa: S603 - fixed arguments, to the git on PATH
    except (OSError, subprocess.SubprocessError) as error:
        raise OperatorError(
            f"The tags of {repository} cannot be read ({type(error).__name__})", "Check the network"
        ) from error
    commits: dict[tuple[int, ...], str] = {}
    # Of an annotated tag, git lists the tag's own object first and then, with ^{}, the commit.
    for commit, version in re.findall(
        rf"^([0-9a-f]{{40}})\trefs/tags/v({re.escape(major)}\.\d+\.\d+)(?:\^{{}})?$", listing, re.MULTILINE
    ):
        commits[tuple(map(int, version.split(".")))] = commit
    if not commits:
        raise OperatorError(
            f"{repository} has no tag v{major}.x.y", "Name the action's version in its comment, as `# v5.0.0`"
        )
    newest = max(commits)
    return commits[newest], ".".join(map(str, newest))


def _image(match: re.Match[str]) -> str:
    digest = current_digest(match["host"], match["name"], match["tag"])
    return _report(match[0], f"{match['host']}/{match['name']}:{match['tag']}@{digest}")


def current_digest(host: str, name: str, tag: str) -> str:
    """Return the digest of the manifest that the tag has now ("Pulling manifests", OCI Distribution Specification)."""
    scheme = "http" if host.startswith("127.0.0.1:") else "https"
    url = f"{scheme}://{host}/v2/{name}/manifests/{tag}"
    headers = {"Accept": ", ".join(_INDEX_TYPES)}
    response = requests.get(url, headers=headers, timeout=_TIMEOUT)
    if response.status_code == requests.codes.unauthorized:
        token = _anonymous_token(response.headers.get("WWW-Authenticate", ""), f"repository:{name}:pull")
        response = requests.get(url, headers={**headers, "Authorization": f"Bearer {token}"}, timeout=_TIMEOUT)
    if not response.ok:
        raise OperatorError(f"{url} answered {response.status_code}", "Check the image's name and tag")
    digest = f"sha256:{hashlib.sha256(response.content).hexdigest()}"
    if response.headers.get("Docker-Content-Digest", digest) != digest:
        raise OperatorError(f"The content of {url} does not have the digest that its header names", "Try again")
    return digest


def _anonymous_token(challenge: str, scope: str) -> str:
    """Return a token for pulling, as the challenge asks ("Token Authentication", CNCF Distribution)."""
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    query = {"service": parameters.get("service", ""), "scope": scope}
    response = requests.get(parameters.get("realm", ""), params=query, timeout=_TIMEOUT)
    response.raise_for_status()
    body = response.json()
    return str(body.get("token") or body.get("access_token"))


def _report(before: str, after: str) -> str:
    sys.stdout.write(f"  {'current' if before == after else 'renewed'}  {after}\n")
    return after


if __name__ == "__main__":
    sys.exit(main())
