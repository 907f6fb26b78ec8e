"""Find where a chunked body ends, without decoding it."""

from __future__ import annotations

from typing import Final

from gunicorn.http.errors import InvalidChunkSize

_MAX_LINE: Final = 8190
"""Bytes of a chunk's size line or of a trailer, gunicorn's own limit."""
_MAX_TRAILERS: Final = 64 * 1024
"""Bytes of all trailers."""
_MAX_EXCESS: Final = 16 * 1024
"""Bytes of framing beyond the free ones."""
_FREE_PER_CHUNK: Final = 16
_FREE_PER_BYTE: Final = 2
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"


class ChunkScanner:
    """Follow the chunks of one body as they arrive ("Hypertext Transfer Protocol 1.1", RFC 9112, section 7.1).

    Framing is limited as in Go's net/http (CVE-2023-39326): 16 bytes for each chunk and 2 for each byte of data are
    free, so that a client may send byte by byte; 16 KiB more are accepted.
    """

    __slots__ = ("_excess", "_in_trailers", "_line", "_to_skip", "_trailers", "is_finished", "is_malformed")

    def __init__(self) -> None:
        self.is_finished = False
        """Whether the whole body has arrived."""
        self.is_malformed = False
        """Whether its framing is malformed, so that its end is unknown: gunicorn's parser will reject it."""
        self._line = b""
        self._to_skip = 0
        self._in_trailers = False
        self._trailers = 0
        self._excess = 0

    def feed(self, data: bytes) -> None:
        """Scan the next bytes of the body; those after its end are ignored.

        Raises `InvalidChunkSize` for too much framing.
        """
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
            self._trailers += len(line)
            self.is_malformed = self._trailers > _MAX_TRAILERS
            self.is_finished = line == b"\r\n"
        else:
            self._begin_chunk(line)

    def _begin_chunk(self, line: bytes) -> None:
        digits = line.partition(b";")[0].strip()
        if not digits or digits.strip(_HEX_DIGITS):
            self.is_malformed = True
            return
        size = int(digits, 16)
        self._excess = max(0, self._excess + len(line) + 2 - _FREE_PER_CHUNK - _FREE_PER_BYTE * size)
        if self._excess > _MAX_EXCESS:
            raise InvalidChunkSize(b"too much chunk framing")
        # With the CRLF after its data, which the parser checks.
        self._to_skip = size + 2 if size > 0 else 0
        self._in_trailers = size == 0
