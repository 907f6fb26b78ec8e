"""Read an image's layers, as the engine would push them."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256

from tests.containers.engine import inspect

WHITEOUT = ".wh."
"""Begins the name of a file that a layer removes ("Image Layer Filesystem Changeset", OCI Image Format)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link in a layer: all of it that a layer's digest depends on, but for the order."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    time: float
    content: str
    """The hash of a file's content, or what a link leads to."""


@dataclass(frozen=True)
class Layer:
    """An uncompressed archive."""

    archive: bytes = field(repr=False)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        with tarfile.open(fileobj=io.BytesIO(self.archive)) as archive:
            return {each.name: _entry(archive, each) for each in archive}

    @property
    def unpacked_bytes(self) -> int:
        with tarfile.open(fileobj=io.BytesIO(self.archive)) as archive:
            return sum(each.size for each in archive)

    @property
    def packed_bytes(self) -> int:
        """What a task pulls, about: registries and engines compress by gzip."""
        return len(gzip.compress(self.archive, compresslevel=6))


@cache
def layers_of(image: str, *, base: str) -> list[Layer]:
    """Return the layers of `image` above those of its base image."""
    every, below = _layers(image), len(inspect(base)["RootFS"]["Layers"])
    assert len(every) > below
    return every[below:]


def _layers(image: str) -> list[Layer]:
    saved = subprocess.run(["docker", "save", image], capture_output=True, check=True, timeout=120).stdout
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:

        def read(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file is not None
            return file.read()

        [manifest] = json.loads(read("manifest.json"))
        return [Layer(read(name)) for name in manifest["Layers"]]


def _entry(archive: tarfile.TarFile, each: tarfile.TarInfo) -> Entry:
    file = archive.extractfile(each) if each.isreg() else None
    content = sha256(file.read()).hexdigest() if file is not None else each.linkname
    return Entry(each.type, each.mode, (each.uid, each.gid), each.mtime, content)
