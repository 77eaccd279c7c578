"""Rules for single values: phone numbers, tokens, addresses. Each cleans what it safely can and guesses nothing."""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata
from typing import Final, NoReturn
from urllib.parse import quote_plus, urlsplit

from .redaction import REDACTED

__all__ = ["Secret", "clean_api_token", "clean_base_url", "clean_phone_number"]

_SEPARATORS: Final = re.compile(r"[\s\u00a0\u200b-\u200f\u202a-\u202e\u2060\ufeff.()\[\]\-\u2010-\u2015\u2212]+")
_FLOAT_TAIL: Final = re.compile(r"(\+?\d+)\.0+|([^.]*\d)\.0")
# A spreadsheet's float with something behind the point, and the zero that is dialled inside a country only: both would
# become another number if their digits were just taken together.
_FRACTION: Final = re.compile(r"\+?\d{7,}\.\d+")
_TRUNK: Final = re.compile(r"\(\s*0\s*\)")
_EXTENSION: Final = re.compile(r".*\d{9,}[^\d]+\d{1,2}")
_OPAQUE: Final = re.compile(r"[A-Z]{2}\.[A-Za-z0-9._:=-]{1,128}")
_DIGITS: Final = re.compile(r"[0-9]{7,15}")
_CLEAN: Final = re.compile(r"[1-9][0-9]{6,14}")
"""What the rules below leave as it is; most numbers of a campaign are such."""
_TOKEN: Final = re.compile(r"[0-9]+\|[!-~]+")


def clean_phone_number(text: str) -> str:
    """Return a phone number as digits with its country code, or an opaque recipient id as it is.

    Strips what people and spreadsheets add (contract, "Types"): plus, blanks, dashes, dots, brackets, a leading `00`,
    digits of other scripts and a float's tail. A country is never guessed.

    Raises:
        ValueError: the text is not a number with a country code.
    """
    if clean := _CLEAN.fullmatch(text):
        return clean.group()
    if _OPAQUE.fullmatch(text.strip()):
        return text.strip()
    plain = "".join(_ascii_digit(character) for character in text.strip())
    if tail := _FLOAT_TAIL.fullmatch(plain):
        plain = tail.group(1) or tail.group(2)
    if _FRACTION.fullmatch(plain):
        raise ValueError(f"expected digits, got a number with a fraction {_shown(text)}")
    if _TRUNK.search(plain):
        raise ValueError(f"expected the number as it is dialled from abroad, without the (0), got {_shown(text)}")
    if _EXTENSION.fullmatch(plain):
        raise ValueError(f"expected one number without an extension, got {_shown(text)}")
    digits = _SEPARATORS.sub("", plain)
    international = digits.startswith("+")
    digits = digits.removeprefix("+")
    if not international:
        digits = digits.removeprefix("00")
    if not _DIGITS.fullmatch(digits):
        raise ValueError(f"expected 7 to 15 digits with the country code, got {_shown(text)}")
    if digits.startswith("0"):
        raise ValueError(f"expected the country code first, got a national number {_shown(text)}")
    return digits


def _ascii_digit(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


class Secret:
    """A text that does not show itself: not in repr, str, format, JSON or a pickle."""

    __slots__ = ("_quoted", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._quoted: str | None = None

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    @property
    def quoted(self) -> str:
        """The text itself as it stands in a form body."""
        if self._quoted is None:
            self._quoted = quote_plus(self._text)
        return self._quoted

    def __repr__(self) -> str:
        return f"Secret({REDACTED!r})"

    def __str__(self) -> str:
        return REDACTED

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


def clean_api_token(text: str) -> str:
    """Return the token without surrounding blanks.

    Raises:
        ValueError: it has not the form `<digits>|<random>` (contract, "Authentication").
    """
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        del text, token  # a traceback with locals shows what this frame holds
        raise ValueError("expected an API token of the form <digits>|<random characters>")
    return token


def clean_base_url(text: str) -> str:
    """Return an address without its trailing slash.

    Raises:
        ValueError: it is not `https://host[:port]`; `http://` is allowed for this machine only, because the token
            travels in every body.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in {"https", "http"} or not host:
        raise ValueError("expected a base URL such as https://app.wabotick.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("expected a base URL without login, query or fragment")
    if parts.path.rstrip("/"):
        raise ValueError(f"expected a base URL without a path, got the path {parts.path!r}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"expected https:// for {host}: the token would travel unencrypted")
    shown_host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown_host}" + (f":{port}" if port else "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
