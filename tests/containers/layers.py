"""Read an image's layers, as the engine would push them."""

from __future__ import annotations

import gzip
import json
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.containers.engine import docker, inspect

SAVE_SECONDS: Final = 300
_CHUNK: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link in a layer: all of it that a layer's digest depends on, but for the order."""

    kind: bytes
    mode: int
    owner: tuple[int, int]
    time: float
    content: str
    """The hash of a file's content, or what a link leads to."""


@dataclass(frozen=True, slots=True)
class Layer:
    """An archive, which an engine may have saved compressed."""

    file: Path

    def entries(self) -> dict[str, Entry]:
        with tarfile.open(self.file) as archive:
            return {each.name: _entry(archive, each) for each in archive}

    def unpacked_bytes(self) -> int:
        with tarfile.open(self.file) as archive:
            return sum(each.size for each in archive)

    def packed_bytes(self) -> int:
        """Return what a task pulls, about: registries and engines compress by gzip."""
        compressor = zlib.compressobj(6)
        return sum(len(compressor.compress(each)) for each in self._chunks()) + len(compressor.flush())

    def contains(self, text: str) -> bool:
        """Return whether any file, name or link has this text."""
        expected, last = text.encode(), b""
        for each in self._chunks():
            if expected in last + each:
                return True
            last = each[-len(expected) :]
        return False

    def _chunks(self) -> Iterator[bytes]:
        with self.file.open("rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
        with gzip.open(self.file) if compressed else self.file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk


def layers_of(image: str, folder: Path) -> list[Layer]:
    """Save the layers of `image` in a folder of its own in `folder`, once, and return them, the lowest first."""
    target = folder / image.replace("/", "-").replace(":", "-")
    if not target.exists():
        target.mkdir(parents=True)
        archive = target / "image.tar"
        docker("save", "--output", str(archive), image, seconds=SAVE_SECONDS)
        subprocess.run(["tar", "-x", "-f", archive, "-C", target], check=True, timeout=SAVE_SECONDS)
        archive.unlink()
    [manifest] = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return [Layer(target / name) for name in manifest["Layers"]]


def digests_of(image: str) -> list[str]:
    """Return the hashes of the uncompressed layers ("DiffID", OCI Image Format)."""
    digests: list[str] = inspect(image)["RootFS"]["Layers"]
    return digests


def differences(image: str, other: str, folder: Path) -> list[str]:
    """Return each name with another entry in the other image's layer at the same place: why its digest is another."""
    pairs = zip(layers_of(image, folder), layers_of(other, folder), strict=False)
    entries = [(one.entries(), two.entries()) for one, two in pairs]
    return [name for one, two in entries for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]


def _entry(archive: tarfile.TarFile, each: tarfile.TarInfo) -> Entry:
    file = archive.extractfile(each) if each.isreg() else None
    content = sha256(file.read()).hexdigest() if file is not None else each.linkname
    return Entry(each.type, each.mode, (each.uid, each.gid), each.mtime, content)
