"""Decide by its name whether a value is secret: of a header, parameter, field, variable or attribute.

A name is split into words, at separators and where its letters' case changes; digits behind a word are ignored. It
names a secret if any word, or two to four adjacent words together, is in the lists below, unless its last word says
that the value only describes one: `user_password`, `stripeApiKey`, `X-My-Auth-Token`, `HTTP_X_API_KEY` and `password2`
do, and `token_count`, `secret_name`, `passenger`, `author`, `monkey` and `secretary` do not.

The lists have what OpenTelemetry's semantic conventions redact in `url.full`, the defaults of Rollbar's SDK, and what
web frameworks and clouds call their credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    """Return the words of `text`, which reads better than a list of literals."""
    return frozenset(text.split())


_WORDS = word_set("""
    2fa apisecret assertion auth authentication authorization bearer cookie cred credential csc csrf cvc cvv cvn hdnea
    hdnts hmac iban jwt mnemonic otp pan pass passcode passkey passphrase passwd password passwort pin pw pwd salt
    secret session sid sig signature ssn token totp xsrf
    """)
_KEYS = word_set("""
    access account activation admin aes api app application client consumer crypt decryption deploy encrypt encryption
    fernet function functions gpg hmac ingest integration license master pgp private recovery restricted root rsa server
    service shared sign signing ssh ssl storage subscription symmetric tls webhook write
    """)
_CODES = word_set("""
    2fa access activation backup confirmation device email invite login mfa onetime pairing recovery reset security sms
    tfa user verification
    """)
_COMPOUNDS = frozenset(
    {
        *(f"{kind}key" for kind in _KEYS),
        *(f"{kind}code" for kind in _CODES),
        *word_set("""
        accountnumber cardno cardnum cardnumber ccno ccnum ccnumber codeverifier connectionstring connstr connstring
        creditcard debitcard oauthverifier recoveryphrase samlrequest samlresponse securityanswer seedphrase
        socialsecurity
        """),
    }
)
"""Adjacent words that together name a secret."""
_PARTS = ("password", "passwd", "passphrase", "apikey", "secretkey", "privatekey", "accesskey", "creditcard")
"""What names a secret within a word, too: `userpassword`."""
_ENDINGS = ("cardnumber", "cookie", "credential", "jwt", "passcode", "pwd", "secret", "sessid", "sessionid", "token")
"""What names a secret at the end of a word, too: `phpsessid`, `csrfmiddlewaretoken`."""
_DESCRIPTIONS = word_set("""
    age alg algorithm arn attempts audience bucket budget bytes class count counts created date domain duration enabled
    endpoint expired expires expiration expiry host issuer kind length lifetime limit method mode ms name names policy
    provider rate required retries scheme scope scopes seconds size start status strength time timeout total ttl type
    updated uri url usage used valid validity version
    """)
"""Last words of names whose value describes a secret and is none."""
_COUNTED = frozenset({"tokens", "sessions"})
_COUNTS = word_set(
    "active cached completion count input max maximum min minimum num of open output prompt reasoning total"
)
"""Words before or behind a plural that count it: `max_tokens`, `input_tokens`."""
_IN_QUERIES = frozenset({"code", "key", "state", "ticket"})
"""Whole names that are credentials in a query alone (OAuth, Google's APIs, CAS), and harmless words elsewhere."""
_PREFIXES = ("csrf", "xsrf")
_MAX_ADJACENT = 4
_MAX_CACHED_LENGTH = 128
_SEPARATORS = re.compile(r"[\W_]+")
_CHUNK = re.compile(r"[^\W_]+")
_CAMEL_CASE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+[0-9]*|[^\x00-\x7f]+|[0-9]+")


class SecretNames:
    """Recognise the names of secrets: those that everybody knows, and `further` ones with any words around them."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        names = ["".join(_words(name)) for name in further]
        self._further = frozenset(filter(None, names))
        stems = _stems({*_WORDS, *_COMPOUNDS, *_PARTS, *_ENDINGS, *_PREFIXES, *self._further, "key", "code"})
        self._may_be_secret = re.compile("|".join(map(re.escape, stems))).search
        self._max_adjacent = max([_MAX_ADJACENT, *(len(_words(name)) for name in further)])
        self._cached = lru_cache(maxsize=4096)(self._names_a_secret)

    def hides(self, name: str) -> bool:
        """Return whether what has this `name` is secret."""
        return self._cached(name) if len(name) <= _MAX_CACHED_LENGTH else self._names_a_secret(name)

    def hides_in_query(self, name: str) -> bool:
        """Return whether the parameter `name` of a query is secret."""
        return name.lower() in _IN_QUERIES or self.hides(name)

    def hides_together(self, words: Sequence[str]) -> bool:
        """Return whether the last of `words` and some before it together name a secret: `card number`."""
        lower = [word.lower() for word in words]
        joined = {"".join(lower[start:]) for start in range(len(lower) - 1)}
        return not _COMPOUNDS.isdisjoint(joined) or not self._further.isdisjoint(joined)

    def _names_a_secret(self, name: str) -> bool:
        if self._may_be_secret(_SEPARATORS.sub("", name.lower())) is None:
            return False
        # A name in random case is split wrongly where its case changes, so it is read in lower case, too.
        chunks = _CHUNK.findall(name)
        lower = [_singular(each.lower()) for each in chunks]
        words = _words(name)
        if self._further and not self._further.isdisjoint(
            (*_adjacent(words, self._max_adjacent), *_adjacent(lower, self._max_adjacent))
        ):
            return True
        if not words or words[-1] in _DESCRIPTIONS or lower[-1] in _DESCRIPTIONS:
            return False
        if chunks[-1].lower().endswith(tuple(_COUNTED)) and not _COUNTS.isdisjoint(words):
            return False
        return any(map(_is_secret, {*_adjacent(words, _MAX_ADJACENT), *_adjacent(lower, _MAX_ADJACENT)}))


def _is_secret(word: str) -> bool:
    return (
        word in _WORDS
        or word in _COMPOUNDS
        or word.endswith(_ENDINGS)
        or any(part in word for part in _PARTS)
        or word.startswith(_PREFIXES)
    )


def _stems(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the shortest of `texts`: each of the others has one of these within it."""
    stems: list[str] = []
    for text in sorted(texts, key=len):
        if not any(stem in text for stem in stems):
            stems.append(text)
    return tuple(stems)


def _words(name: str) -> list[str]:
    return [_singular(word.lower()) for chunk in _CHUNK.findall(name) for word in _CAMEL_CASE.findall(chunk)]


def _singular(word: str) -> str:
    """Return `word` without digits behind it and the plural's s."""
    stem = word.rstrip("0123456789") or word
    singular = stem.removesuffix("s")
    return singular if singular in _WORDS or singular.endswith(_ENDINGS) else stem


def _adjacent(words: list[str], count: int) -> Iterator[str]:
    """Yield each word, and each two to `count` adjacent ones as one."""
    for start in range(len(words)):
        joined = ""
        for word in words[start : start + count]:
            joined += word
            yield joined
