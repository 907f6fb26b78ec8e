"""Recognise secrets in free text by their shape: `name=value`, credentials of a URL, tokens, keys, card numbers."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from urllib.parse import unquote_plus

from flask_onetrace.telemetry.redaction.cards import mask_cards
from flask_onetrace.telemetry.redaction.mask import REDACTED
from flask_onetrace.telemetry.redaction.names import SecretNames, word_set

_NAME = re.compile(
    r"""(?<![\w.%$-])([\w.%$-]++)          # 1: a whole name
        (?:\[\d{0,16}\])?(\\*["'`]?)[\])]{0,2}  # 2: its closing quote
        \s*+(=>|[:=]=?)\s*+                 # 3: the separator""",
    re.VERBOSE,
)
_PAIR = re.compile(r"""[(\[]\s*+b?(\\*["'])([\w.$ -]++)\1\s*+,\s*+""")
"""A name in a tuple or list of two, as the `repr` of headers and forms shows them: `('password', 'x')`."""
_OPTION = re.compile(r"(?<![\w-])--([\w.-]++)[ \t]++(?![-\s])")
_ELEMENT = re.compile(r"<([\w.:-]++)[^<>]*+>([^<>]++)</")
_ENCODED = re.compile(r"""(?<![^\s"'&<>])[^\s"'&<>]++""")
"""A word that may be a percent-encoded query, as the value of another's parameter is."""
_MAX_ENCODED = 3
_USER_INFO = re.compile(
    r"""(://|:\\/\\/)(?:[^\s/?#@:"'<>]{0,256}:(?!\d{1,5}(?:[/?#]|$))[^\s"'<>]{0,256}|[^\s/?#@:"'<>]{1,256})@"""
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY[A-Z ]{0,32}-----"
    r".*?(?:-----END [A-Z0-9 ]{0,32}PRIVATE KEY[A-Z ]{0,32}-----|\Z)",
    re.DOTALL,
)
_SCHEMES = ("bearer ", "basic ", "negotiate ", "ntlm ", "dpop ", "token ")
_SCHEME = re.compile(
    rf"(?<![\w-])({'|'.join(_SCHEMES).replace(' ', '')})(\s++)([A-Za-z0-9._~+/=|-]{{3,}})", re.IGNORECASE
)
"""An authentication scheme and its credentials ("HTTP Authentication Scheme Registry", IANA)."""
_PROSE = word_set("and auth authentication authorization credentials for format header is of or scheme token was")
"""What follows the name of a scheme in prose."""


def _token(prefix: str, rest: str) -> str:
    """Return the pattern of a token at the start of a word. It begins with a literal, which makes the search fast."""
    return f"{prefix[0]}(?<![A-Za-z0-9]{prefix[0]}){re.escape(prefix[1:])}{rest}"


_TOKENS = re.compile(
    "|".join(
        (
            r"eyJ[\w-]{6,}(?:\.[\w-]*){0,4}",  # JSON Web Tokens, RFC 7519
            *(_token(each, "[A-Z0-9]{16}") for each in ("AKIA", "ASIA", "AGPA", "AIDA", "AROA", "ABIA", "ACCA")),
            *(_token(f"gh{kind}_", "[A-Za-z0-9]{10,}") for kind in "pousr"),
            *(_token(f"hc{kind}k_", "[A-Za-z0-9]{8,}") for kind in ("ai", "xi", "bi", "am", "xm", "al", "xl", "bl")),
            *(
                _token(each, r"\w{8,}")
                for each in ("github_pat_", "npm_", "sk_live_", "sk_test_", "rk_live_", "rk_test_")
            ),
            *(_token(each, r"\w{8,}") for each in ("whsec_", "hf_", "dop_v1_", "shpat_", "shpca_", "shppa_", "shpss_")),
            *(_token(each, r"[\w-]{8,}") for each in ("glpat-", "xapp-", "pypi-", "GOCSPX-", "AGE-SECRET-KEY-")),
            r"xox[a-z]-[\w-]{8,}",
            _token("sk-", "[A-Za-z0-9_-]{20,}"),
            _token("AIza", r"[\w-]{20,}"),
            _token("ya29.", r"[\w-]{8,}"),
            _token("SG.", r"[\w-]{16,}\.[\w-]{16,}"),
            _token("hvs.", r"[\w-]{20,}"),
            _token("hooks.slack.com/services/", r"[\w/]{8,}"),
        )
    )
)
"""Credentials that their issuers mark by a prefix, so that they are found where they should not be."""
_BRACKETS = re.compile(r"[\[\](){}]")
_QUOTED = {quote: re.compile(rf"{quote}(?:[^{quote}\\]|\\.)*", re.DOTALL) for quote in "\"'`"}
_UNQUOTED = re.compile(r"""(?:[^\s&"'`<>,;|]|[,;|](?![\w.%-]++[=:]))*""")
"""A value without quotes, up to the next field."""
_REST_OF_LINE = re.compile(r"""(?:="[^"\r\n]*+"|[^\r\n"'`<>{}])*""")
_BRACKETED = re.compile(r"[\[{(]|[A-Za-z_][\w.]*+\(")
"""A collection, or the `repr` of an object: `UUID('…')`."""
_LOOKUP = re.compile(r"""[A-Za-z_][\w.]*+\[(["'])[\w.-]++\1\]""")
"""A name that is looked up, as a traceback's line of code shows it: `os.environ["SECRET_KEY"]`."""
_VALUE_PREFIX = re.compile(r"""(?:[bBuUrRfF]{1,2})?(\\*)(["'`])""")
_CREDENTIALS = re.compile(r"""(?:bearer|basic|negotiate|ntlm|dpop|token|apikey|aws4-hmac-sha256)\s+""", re.IGNORECASE)
_PRINTED_NONE = re.compile(r"""(?:None|null|True|False|true|false)(?=[\s,;)\]}&"'`<>]|$)""")
_WHOLE_LINES = ("authorization", "cookie")
"""Headers whose values have white space in them."""
_MAX_COMPOUND = 24
"""Characters before a name in which the words are that together with it name a secret."""
_MIN_CREDENTIALS = 16


class SecretShapes:
    """Replace the secrets in a text. `names` says which names are those of secrets."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names

    def mask(self, text: str, depth: int = 0) -> str:
        """Return `text` with `REDACTED` in place of each secret. `depth` is how often it was percent-decoded."""
        if "PRIVATE KEY" in text:
            text = _PRIVATE_KEY.sub(REDACTED, text)
        if "@" in text and ("://" in text or r":\/\/" in text):
            text = _USER_INFO.sub(rf"\g<1>{REDACTED}:{REDACTED}@", text)
        text = self._mask_named(text)
        if "%3" in text and depth < _MAX_ENCODED:
            text = _ENCODED.sub(lambda word: self._mask_encoded(word[0], depth), text)
        text = _TOKENS.sub(REDACTED, text)
        lower = text.lower()
        if any(scheme in lower for scheme in _SCHEMES):
            text = _SCHEME.sub(_mask_credentials, text)
        return mask_cards(text)

    def _mask_named(self, text: str) -> str:
        """Replace what stands behind the name of a secret."""
        if "=" in text or ":" in text:
            text = self._replace(_NAME, text, self._is_named_secret)
        if "," in text:
            text = self._replace(_PAIR, text, lambda match: self._names.hides(match[2]))
        if "--" in text:
            text = self._replace(_OPTION, text, lambda match: self._names.hides(match[1]))
        if "</" in text:
            text = _ELEMENT.sub(self._mask_element, text)
        return text

    def _is_named_secret(self, match: re.Match[str]) -> bool:
        name, quote, separator = match.groups()
        text, start = match.string, match.start()
        if "%" in name:
            name = unquote_plus(name)
        before = text[start - 1] if start else ""
        if separator == "=" and before and before in "?&;#":
            return self._names.hides_in_query(name)
        if separator == ":" and not quote:  # a module's name in a log line: `shop.auth: …`
            name = name.rpartition(".")[2] or name
        if self._names.hides(name):
            return True
        if before == " ":  # `card number: 4111…`
            words = text[max(0, start - _MAX_COMPOUND) : start].split()[-2:]
            return self._names.hides_together([*words, name])
        return False

    def _replace(self, pattern: re.Pattern[str], text: str, is_secret: Callable[[re.Match[str]], bool]) -> str:
        """Replace the value behind each match that names a secret."""
        parts: list[str] = []
        position = 0
        for match in pattern.finditer(text):
            if match.start() < position or not is_secret(match):
                continue
            start, end = _value(text, match)
            if end > start:
                parts += (text[position:start], REDACTED)
                position = end
        return "".join((*parts, text[position:])) if parts else text

    def _mask_element(self, match: re.Match[str]) -> str:
        start = match.start(2) - match.start()
        return f"{match[0][:start]}{REDACTED}</" if self._names.hides(match[1]) else match[0]

    def _mask_encoded(self, word: str, depth: int) -> str:
        if "%3" not in word:
            return word
        decoded = unquote_plus(word)
        return word if self.mask(decoded, depth + 1) == decoded else REDACTED


def _value(text: str, name: re.Match[str]) -> tuple[int, int]:
    """Return where the value behind `name` begins and ends: without its quotes, with all that its brackets hold."""
    start = name.end()
    if prefix := _VALUE_PREFIX.match(text, start):
        escapes, quote = prefix.groups()
        if escapes:
            end = text.find(escapes + quote, prefix.end())
            return prefix.end(), end if end >= 0 else len(text)
        return prefix.end(), _closing_quote(text, prefix.end(), quote)
    if _PRINTED_NONE.match(text, start) or _LOOKUP.match(text, start):
        return start, start
    if _BRACKETED.match(text, start):
        return start, _closing_bracket(text, start)
    if name.re is _NAME and name[3] == ":" and name[1].lower().endswith(_WHOLE_LINES):
        line = _REST_OF_LINE.match(text, start)
        return start, line.end() if line else start
    credentials = _CREDENTIALS.match(text, start)
    return start, _unquoted_end(text, credentials.end() if credentials else start)


def _closing_quote(text: str, start: int, quote: str) -> int:
    """Return where a text ends that begins at `start`, behind its quote: Python's triple and SQL's doubled ones too."""
    if text.startswith(quote * 2, start):
        end = text.find(quote * 3, start + 2)
        if end >= 0:
            return end
    end = start
    while closing := _QUOTED[quote].match(text, end - 1):
        end = closing.end() + 2
        if text[end - 2 : end] != quote * 2:
            return closing.end()
    return len(text)


def _unquoted_end(text: str, start: int) -> int:
    """Return the end of a value without quotes: at white space, or where another field begins."""
    match = _UNQUOTED.match(text, start)
    value = match[0] if match else ""
    return start + len(value.rstrip(")]},;"))


def _closing_bracket(text: str, start: int) -> int:
    depth = 0
    for match in _BRACKETS.finditer(text, start):
        depth += 1 if match[0] in "[({" else -1
        if depth == 0:
            return match.end()
    return len(text)


def _mask_credentials(match: re.Match[str]) -> str:
    scheme, space, credentials = match.groups()
    word = credentials.rstrip(".").lower()
    if word in _PROSE or (scheme.lower() != "bearer" and not _is_encoded(credentials)):
        return match[0]
    return f"{scheme}{space}{REDACTED}"


def _is_encoded(credentials: str) -> bool:
    """Return whether they are base64 of `user:password`, or no word of prose."""
    try:
        if b":" in b64decode(credentials + "=" * (-len(credentials) % 4), validate=True):
            return True
    except ValueError:
        pass
    return len(credentials) >= _MIN_CREDENTIALS and any(each.isdigit() for each in credentials)
