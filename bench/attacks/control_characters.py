"""Send characters that a terminal or an editor obeys, in everything that a log line shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from bench.attacks import raw_http
from bench.attacks.lab import Lab
from bench.attacks.promise import Promise, Row

_TEXTS = (
    "\x1b[31mred",
    "\x9b31mred",
    "\x85next line",
    "\u202egnirts",
    "\u2066isolated\u2069",
    "\u200fmark",
    "\u2028line\u2029paragraph",
    "\x7fdelete",
    "two\nlines\rand\x08more",
)
LINES = Promise(
    "C0, C1 and bidirectional control characters in a path, a user agent, a client address and a log message",
    "log lines escape them, at CloudWatch and on standard error",
)
PROMISES = (LINES,)


def run(lab: Lab) -> Iterator[Row]:
    """Send each text in each place."""
    with lab.target({"LOG_CONSOLE": "true"}) as target:
        for text in _TEXTS:
            raw_http.get(target.port, f"/api/{quote(text)}")
            raw_http.get(target.port, f"/attack/log?message={quote(text)}")
            header = text.translate({ord(each): None for each in "\n\r\x08\x1b\x7f"}).encode().decode("latin-1")
            raw_http.get(target.port, "/attack/cause/1", {"User-Agent": header, "X-Forwarded-For": header})
        target.received.settle()
        lines = [*target.received.raw_lines(), *target.stderr().splitlines(keepends=False)]
        stderr = target.stderr().replace("\n", "")
    found = [name for line in [*target.received.raw_lines(), stderr] for name in map(_name, line) if name]
    names = ", ".join(sorted(set(found)))
    text = f"{len(found)} unescaped in {len(lines)} lines" + (f": {names}" if names else "")
    yield LINES.row(text, holds=not found and len(lines) >= 4 * len(_TEXTS))


def _name(character: str) -> str | None:
    """Return the code point of a character that must not stand in a line, None for all others."""
    is_control = unicodedata.category(character) in {"Cc", "Zl", "Zp"}
    is_bidirectional = unicodedata.bidirectional(character) in {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }
    return f"U+{ord(character):04X}" if is_control or is_bidirectional or character in "\u200e\u200f\u061c" else None
