"""Actions are pinned by commit and images by digest, and `make pins` renews the pins from GitHub and the registries."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from flask import Flask, Response, request

from infra import xray_daemon_image
from local.fakes.server import LocalServer
from operations.pins import ACTION, IMAGE, ROOT, image_files, main, workflows
from tests.container.dockerfile import stages

INDEX = b'{"schemaVersion":2,"manifests":[]}'
DIGEST = f"sha256:{hashlib.sha256(INDEX).hexdigest()}"
OLD = f"sha256:{'0' * 64}"


def test_every_action_is_pinned_by_a_commit_with_its_version_beside_it() -> None:
    texts = [path.read_text("utf-8") for path in workflows(ROOT)]
    lines = [line.strip() for text in texts for line in text.splitlines() if "uses:" in line]
    # `$/` is this repository, at the commit that runs ("Finding and customizing actions", GitHub Docs).
    actions = [line for line in lines if not line.startswith("uses: $/.github/workflows/")]
    assert len(actions) > 10
    pinned = re.compile(r"- uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in actions if not pinned.fullmatch(line)] == []


def test_an_action_is_pinned_at_one_version_wherever_it_is_used() -> None:
    uses = {match[0] for path in workflows(ROOT) for match in ACTION.finditer(path.read_text("utf-8"))}
    names = [each.partition("@")[0] for each in uses]
    assert sorted(names) == sorted(set(names))


def test_every_image_that_is_pulled_is_pinned_by_a_digest() -> None:
    dockerfiles = [path for path in image_files(ROOT) if path.name == "Dockerfile"]
    names = {
        name
        for path in dockerfiles
        for name in re.findall(r"^FROM \S+ AS (\S+)$", path.read_text("utf-8"), re.MULTILINE)
    }
    # The empty image is not pulled.
    bases = {stage.base for path in dockerfiles for stage in stages(path)} - names - {"scratch"}
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"].values()
    images = [*bases, *(each["image"] for each in services if "image" in each), xray_daemon_image.IMAGE]
    assert len(images) == 4
    assert [image for image in images if (match := IMAGE.fullmatch(image)) is None or match["pin"] is None] == []


def test_every_reference_to_a_registry_is_in_a_file_whose_pins_are_renewed() -> None:
    folders = [ROOT / each for each in ("infra", "service", "local", "operations", "scripts", ".github")]
    sources = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    sources = [path for path in [*sources, *ROOT.glob("*.y*ml")] if "/service/web/" not in str(path)]
    reference = re.compile(r"\b(?:public\.ecr\.aws|docker\.io|ghcr\.io|quay\.io)/[a-z]")
    found = {path for path in sources if reference.search(path.read_text("utf-8", errors="replace"))}
    assert found == set(image_files(ROOT))


class Registry:
    """A registry that wants an anonymous token, as Amazon ECR Public does."""

    def __init__(self) -> None:
        self.digest = DIGEST
        self.app = Flask("registry")
        self.app.get("/v2/<path:name>/manifests/<tag>")(self._manifest)
        self.app.get("/token")(lambda: {"token": f"for {request.args['scope']} at {request.args['service']}"})

    def _manifest(self, name: str, tag: str) -> Response:
        if request.headers.get("Authorization") != f"Bearer for repository:{name}:pull at registry":
            challenge = f'Bearer realm="{request.host_url}token",service="registry",scope="aws"'
            return Response(status=401, headers={"WWW-Authenticate": challenge})
        assert "application/vnd.oci.image.index.v1+json" in request.headers["Accept"]
        if tag == "gone":
            return Response(status=404)
        return Response(INDEX, headers={"Docker-Content-Digest": self.digest})


@pytest.fixture
def registry(socket_enabled: None) -> Iterator[tuple[Registry, str]]:  # noqa: ARG001 - it listens on 127.0.0.1
    fake = Registry()
    with closing(LocalServer(fake.app)) as server:
        yield fake, server.url.removeprefix("http://")


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder), **identity}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def github(tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The URL of a folder with the repository of an action, and its commits by tag; one of the tags is annotated."""
    repository = tmp_path / "github" / "actions" / "checkout"
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet")
    commits = {}
    for tag in ("v4.9.9", "v5.2.0", "v5.10.0", "v6.0.0", "v5", "v5.11.0-beta"):
        git(repository, "commit", "--quiet", "--allow-empty", "--message", tag)
        git(repository, "tag", *(["--annotate", "--message", tag] if tag == "v5.10.0" else []), tag)
        commits[tag] = git(repository, "rev-parse", "HEAD").strip()
    return (tmp_path / "github").as_uri(), commits


def checkout(tmp_path: Path, host: str, tag: str = "3.13-slim") -> Path:
    root = tmp_path / "checkout"
    files = {
        ".github/workflows/ci.yml": (
            f"steps:\n  - uses: actions/checkout@{'0' * 40} # v5.2.0\n  - uses: actions/checkout/sub@v4\n"
        ),
        "service/Dockerfile": f"FROM {host}/docker/library/python:{tag} AS base\nFROM base\n",
        "infra/application_image/Dockerfile": f"FROM {host}/docker/library/python:{tag} AS base\n",
        "local/containers/images/Dockerfile": f"FROM {host}/docker/library/python:{tag} AS base\n",
        "compose.yaml": f"image: {host}/xray/daemon:3.7.0@{OLD}\n",
        "infra/xray_daemon_image.py": f'IMAGE = "{host}/xray/daemon:3.7.0@{OLD}"\n',
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def test_the_pins_become_the_newest_release_and_the_tags_current_digest(
    tmp_path: Path,
    registry: tuple[Registry, str],
    github: tuple[str, dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (_, host), (url, commits) = registry, github
    root = checkout(tmp_path, host)
    before = {path: path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}
    assert main(["--root", str(root), "--github", url, "--check"]) == 1
    assert {path: path.read_text("utf-8") for path in before} == before
    assert main(["--root", str(root), "--github", url]) == 0
    assert (root / ".github/workflows/ci.yml").read_text("utf-8") == (
        f"steps:\n  - uses: actions/checkout@{commits['v5.10.0']} # v5.10.0\n"
        f"  - uses: actions/checkout/sub@{commits['v4.9.9']} # v4.9.9\n"
    )
    assert (root / "service/Dockerfile").read_text("utf-8") == (
        f"FROM {host}/docker/library/python:3.13-slim@{DIGEST} AS base\nFROM base\n"
    )
    assert (root / "compose.yaml").read_text("utf-8") == f"image: {host}/xray/daemon:3.7.0@{DIGEST}\n"
    assert DIGEST in (root / "infra/xray_daemon_image.py").read_text("utf-8")
    assert main(["--root", str(root), "--github", url, "--check"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "0 files would change."


@pytest.mark.parametrize("tag", ["gone", "tampered"])
def test_what_cannot_be_found_or_does_not_match_changes_no_file(
    tmp_path: Path,
    registry: tuple[Registry, str],
    github: tuple[str, dict[str, str]],
    capsys: pytest.CaptureFixture[str],
    tag: str,
) -> None:
    fake, host = registry
    fake.digest = OLD if tag == "tampered" else DIGEST
    root = checkout(tmp_path, host, tag)
    before = {path: path.read_text("utf-8") for path in root.rglob("*") if path.is_file()}
    assert main(["--root", str(root), "--github", github[0]]) == 1
    assert {path: path.read_text("utf-8") for path in before} == before
    assert f"/manifests/{tag}" in capsys.readouterr().err


def test_an_action_without_a_release_of_its_major_version_is_an_error(
    tmp_path: Path,
    registry: tuple[Registry, str],
    github: tuple[str, dict[str, str]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = checkout(tmp_path, registry[1])
    (root / ".github/workflows/ci.yml").write_text(
        "- uses: actions/checkout@main\n- uses: actions/absent@v1\n", "utf-8"
    )
    assert main(["--root", str(root), "--github", github[0]]) == 1
    assert "has no tag vmain.x.y" in capsys.readouterr().err
    (root / ".github/workflows/ci.yml").write_text("- uses: actions/absent@v1\n", "utf-8")
    assert main(["--root", str(root), "--github", github[0]]) == 1
    assert "actions/absent cannot be read" in capsys.readouterr().err
