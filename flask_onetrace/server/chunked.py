"""Find where a chunked body ends, without decoding it."""

from __future__ import annotations

from typing import Any, Final

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize

_MAX_LINE: Final = 8190
"""Bytes of a chunk's size line or of a trailer, gunicorn's own limit."""
_FREE_CHUNKS: Final = 1_024
_MIN_CHUNK: Final = 256
"""Bytes that chunks have on average, from the `_FREE_CHUNKS`th one on: each costs as much time as a kilobyte does."""
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"


def is_fragmented(chunks: int, size: int) -> bool:
    """Return whether a body of `size` bytes so far has too many chunks: a client could occupy a core with them."""
    return chunks > _FREE_CHUNKS + size // _MIN_CHUNK


class BoundedChunkedReader(ChunkedReader):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's reader of chunked bodies, which rejects one of very small chunks."""

    def __init__(self, request: Any, unreader: Any) -> None:  # noqa: ANN401 - gunicorn's types
        super().__init__(request, unreader)
        self._chunks = self._size = 0

    def parse_chunk_size(self, unreader: Any, data: bytes | None = None) -> tuple[int, bytes | None]:  # noqa: ANN401 - as above
        """Return the size of the next chunk and what follows its line. Raises `ParseException`."""
        size, rest = super().parse_chunk_size(unreader, data)
        self._chunks += 1
        self._size += size
        if is_fragmented(self._chunks, self._size):
            raise InvalidChunkSize(b"too many small chunks")
        return size, rest


class ChunkScanner:
    """Follow the chunks of one body as they arrive ("Hypertext Transfer Protocol 1.1", RFC 9112, section 7.1)."""

    __slots__ = ("_chunks", "_in_trailers", "_line", "_size", "_to_skip", "is_finished", "is_malformed")

    def __init__(self) -> None:
        self.is_finished = False
        """Whether the whole body has arrived."""
        self.is_malformed = False
        """Whether it has no end that can be found: gunicorn's parser will reject it."""
        self._line = b""
        self._to_skip = 0
        self._in_trailers = False
        self._chunks = self._size = 0

    def feed(self, data: bytes) -> None:
        """Scan the next bytes of the body; those after its end are ignored."""
        position = 0
        while position < len(data) and not (self.is_finished or self.is_malformed):
            if self._to_skip:
                step = min(self._to_skip, len(data) - position)
                self._to_skip -= step
                position += step
                continue
            end = data.find(b"\n", position) + 1
            self._line += data[position : end or len(data)]
            if end:
                line, self._line = self._line, b""
                self._end_line(line)
            self.is_malformed |= len(self._line) > _MAX_LINE
            position = end or len(data)

    def _end_line(self, line: bytes) -> None:
        if not line.endswith(b"\r\n") or len(line) > _MAX_LINE:
            self.is_malformed = True
        elif self._in_trailers:
            self.is_finished = line == b"\r\n"
        else:
            self._begin_chunk(line.partition(b";")[0].strip())

    def _begin_chunk(self, digits: bytes) -> None:
        if not digits or digits.strip(_HEX_DIGITS):
            self.is_malformed = True
            return
        size = int(digits, 16)
        self._chunks += 1
        self._size += size
        self.is_malformed = is_fragmented(self._chunks, self._size)
        # With the CRLF after its data, which the parser checks.
        self._to_skip = size + 2 if size > 0 else 0
        self._in_trailers = size == 0
