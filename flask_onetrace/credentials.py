"""Find the credentials that the environment holds for others than the service: the AWS SDK, a proxy, a database.

They are no settings, and no sink may send them either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from flask_onetrace.parsing import is_unicode

_NAME = re.compile(r".*(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|ACCESS_KEY|BEARER_TOKEN_\w+)", re.IGNORECASE)
"""Variables whose value is a credential, as that of AWS_SECRET_ACCESS_KEY is and that of AWS_ACCESS_KEY_ID is not."""
_AMBIGUOUS_NAME = re.compile(r".*(KEY|_PWD|AUTH|CREDENTIALS?|DSN|CONNECTION_STRING)", re.IGNORECASE)
"""Variables whose value is a credential, or where one is, or of which kind."""
_HEADERS = re.compile(r"OTEL_EXPORTER_\w*HEADERS", re.IGNORECASE)
"""`name=value` pairs ("OTLP Exporter Configuration", OpenTelemetry)."""
_BETWEEN_URLS = re.compile(r"[\s\"']+|[,;](?=[\w+.-]+://)")
_USER_INFO = re.compile(r"(?:.*?//|[^/]*?(?=:))[^:]*:(.*)@")
"""The password in front of a URL's last `@`, with a scheme or, as curl takes a proxy, without one."""
_PARAMETER = re.compile(
    r"(?:password|passwd|pwd|secret|token|(?:api|access|account)_?key)=([^\s;&\"']+)", re.IGNORECASE
)
"""A credential in a URL's query or a connection string."""
_FILE_OR_WORD = re.compile(r"[./~].*|[A-Za-z_-]{1,15}")


def credentials_of(environ: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the credentials in each variable that holds some, by its name."""
    credentials = {name: tuple(dict.fromkeys(_values(name, text.strip()))) for name, text in environ.items()}
    return {name: values for name, values in credentials.items() if values}


def _values(name: str, text: str) -> Iterator[str]:
    if not is_unicode(name + text):
        return
    if text and (_NAME.fullmatch(name) or (_AMBIGUOUS_NAME.fullmatch(name) and not _FILE_OR_WORD.fullmatch(text))):
        yield text
    if _HEADERS.fullmatch(name):
        # Of a malformed list, also what has no name.
        values = (pair[pair.find("=") + 1 :].strip() for pair in text.split(","))
        for value in values:
            yield from _decoded(value) if not _FILE_OR_WORD.fullmatch(value) else ()
    for url in _BETWEEN_URLS.split(text):
        if match := _USER_INFO.match(url):
            yield from _decoded(match[1])
    for match in _PARAMETER.finditer(text):
        yield from _decoded(match[1])


def _decoded(text: str) -> Iterator[str]:
    yield from filter(None, dict.fromkeys((text, unquote(text))))
