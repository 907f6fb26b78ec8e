"""Send scrambled requests, requests within requests, and paths that nobody has asked for before."""

from __future__ import annotations

import random
from collections.abc import Iterator

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target
from bench.attacks.promise import Promise, Row, listed
from bench.attacks.relay_requests import batch, post
from bench.paths import HOME

_SEED = 20
_MAX_MIB = 64.0
_MAX_NAMES = 8
_SMUGGLED = "/smuggled"
_HIDDEN = f"GET {_SMUGGLED}/{{number:02}} HTTP/1.1\r\nHost: service.test\r\n\r\n"
_BODY = f"0\r\n\r\n{_HIDDEN}"
_LENGTH, _CHUNKED = "Content-Length: {length}\r\n", "Transfer-Encoding: chunked\r\n"
SMUGGLING: dict[str, str] = {
    "CL and TE": _LENGTH + _CHUNKED,
    "TE and CL": _CHUNKED + _LENGTH,
    "TE with a space before the colon": _LENGTH + "Transfer-Encoding : chunked\r\n",
    "TE with a tab": _LENGTH + "Transfer-Encoding:\tchunked\r\n",
    "TE xchunked": _LENGTH + "Transfer-Encoding: xchunked\r\n",
    "TE twice": _LENGTH + _CHUNKED + "Transfer-Encoding: identity\r\n",
    "TE chunked, identity": _LENGTH + "Transfer-Encoding: chunked, identity\r\n",
    "TE folded": _LENGTH + "Transfer-Encoding:\r\n chunked\r\n",
    "two lengths": f"Content-Length: 5\r\n{_LENGTH}",
    "length with a sign": "Content-Length: +{length}\r\n",
    "length with an underscore": "Content_Length: 5\r\n" + _LENGTH,
    "length list": "Content-Length: 5, {length}\r\n",
    "bare line feeds": _LENGTH.replace("\r", "") + _CHUNKED.replace("\r", ""),
    "a null byte in TE": _LENGTH + "Transfer-Encoding: chunked\0\r\n",
    "a header without a name": ": chunked\r\n" + _LENGTH + _CHUNKED,
}
SCRAMBLED = Promise(
    "6,000 scrambled requests (600 in short)",
    f"no 500, the same worker serves on, its memory grows by at most {_MAX_MIB:.0f} MiB",
)
HIDDEN = Promise(
    f"{len(SMUGGLING)} ways to hide a request in the body of another (CL and TE, two lengths, folded headers, …)",
    "no hidden request is served",
)
UNIQUE = Promise(
    "200,000 paths that are all different (5,000 in short)",
    f"the worker's memory grows by at most {_MAX_MIB:.0f} MiB, and its spans have at most {_MAX_NAMES} names",
)
PROMISES = (SCRAMBLED, HIDDEN, UNIQUE)


def run(lab: Lab) -> Iterator[Row]:
    """Send all three kinds."""
    with lab.target(keeps_bodies=False) as target:
        yield _scrambled(target, 600 if lab.short else 6_000)
    with lab.target() as target:
        yield _hidden(target)
    rule = '{"RuleName":"attack","FixedRate":0.02,"ReservoirSize":0}'
    with lab.target({"XRAY_SAMPLING_RULE": rule}) as target:
        for name in ("cloudwatch", "rollbar"):  # a hundred thousand lines are not looked at
            target.sinks.servers[name].exchanges = None
        yield _unique(target, 5_000 if lab.short else 200_000)


def _scrambled(target: Target, count: int) -> Row:
    generator = random.Random(_SEED)  # noqa: S311 - repeatable on purpose
    seeds = [raw_http.request(HOME, {"Cookie": "a=b", "Range": "bytes=0-5"}), post(batch(spans=2))]
    worker, before = target.service.worker, target.rss()
    answers = [raw_http.exchange(target.port, _scramble(generator, seeds), timeout=0.5) for _ in range(count)]
    errors = sum(b"HTTP/1.1 500" in answer for answer in answers)
    serves = target.answers() and target.service.worker == worker
    growth = target.rss() - before
    answered = sum(answer.startswith(b"HTTP/1.1 ") for answer in answers)
    text = f"{errors} times 500, {'the same worker' if serves else 'another worker'}, {growth:+.1f} MiB"
    holds = serves and not errors and growth <= _MAX_MIB
    return SCRAMBLED.row(f"{text}; {answered:,} responses to {count:,}", holds=holds)


def _scramble(generator: random.Random, seeds: list[bytes]) -> bytes:
    """Return a request in which some bytes are replaced, removed, repeated, or taken from another one."""
    data = bytearray(generator.choice(seeds))
    for _ in range(generator.randint(1, 6)):
        start = generator.randrange(len(data))
        piece = bytes(generator.choice((b"\r\n", b"\0", b"\xff", b":", b" ", b"%", data[start : start + 9])))
        data[start : start + generator.randint(0, 3)] = piece * generator.randint(0, 4)
    return bytes(data)


def _hidden(target: Target) -> Row:
    for number, headers in enumerate(SMUGGLING.values()):
        body = _BODY.format(number=number)
        head = f"POST {HOME} HTTP/1.1\r\nHost: service.test\r\n{headers.format(length=len(body))}\r\n"
        raw_http.exchange(target.port, (head + body).encode(), timeout=1.5)
    target.received.settle()
    paths = {line.get("path") for line in target.received.lines()}
    served = [name for number, name in enumerate(SMUGGLING) if f"{_SMUGGLED}/{number:02}" in paths]
    return HIDDEN.row(f"{len(served)} served" + (f": {listed(served)}" if served else ""), holds=not served)


def _unique(target: Target, count: int) -> Row:
    raw_http.send_many(target.port, [raw_http.request(HOME)] * 500)
    before = target.rss()
    kinds = ("/{}", "/api/activities/@{}", "/api/activities/search?term={}", "/assets/{}.js")
    requests = (raw_http.request(kinds[number % len(kinds)].format(f"unique-{number}")) for number in range(count))
    statuses = raw_http.send_many(target.port, requests)
    growth = target.rss() - before
    target.received.settle()
    names = {span["name"] for span in target.received.spans() if span.get("kind") == 2}
    failed = count - sum(number for status, number in statuses.items() if 0 < status < 500)
    text = f"{growth:+.1f} MiB, {len(names)} names, {failed} failed"
    return UNIQUE.row(text, holds=growth <= _MAX_MIB and 0 < len(names) <= _MAX_NAMES and not failed)
