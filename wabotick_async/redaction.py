"""Keep secrets and phone numbers out of everything that a person or a log may read.

Three habits of the platform make this a layer of its own: the token travels in every body, Meta tokens come back inside
answers (contract: "Secrets"), and free texts of the server may quote either.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

__all__ = ["REDACTED", "is_secret_name", "mask_phone_number", "may_hold_token", "one_line", "redact", "strip_secrets"]

REDACTED: Final = "***"

# contract/README.md, "Secrets": the two token forms, raw or percent-encoded. A message id is base64, and one in some
# thousands holds "EAA": blanked there, it would name no message any more. What goes on after 120 letters, or with a
# bar, is taken for a token. Digits count from the first: to try from each would take hours on a megabyte of them.
_TOKEN_FORMS: Final = re.compile(
    r"(?P<message_id>wamid\.[A-Za-z0-9+/]{1,120}+={0,2}+(?!\||%7[Cc]|[\w-]))"
    r"|(?<!\d)\d+(?:\||%7[Cc])[A-Za-z0-9]{20,}|EAA[A-Za-z0-9_-]{20,}"
)
# The login in an address, which is how a proxy is given its password.
_LOGIN: Final = re.compile(r"(?<=://)[^\s/?#@'\"]+(?=@)")
_SECRET_NAMES: Final = re.compile(r"token|secret|passw|api_?key|private_?key|authoriz", re.IGNORECASE)
_LONGEST_NAME: Final = 64
# Digits of a decimal fraction are no number; a full stop behind a number is not part of it.
_PHONE_FORMS: Final = re.compile(r"(?<!\w)(?<!\d\.)\+?\d{7,15}(?!\w|\.\d)")


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a credential."""
    return _holds_credential(name) if len(name) <= _LONGEST_NAME else _SECRET_NAMES.search(name) is not None


@lru_cache(maxsize=1024)
def _holds_credential(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


def may_hold_token(text: str) -> bool:
    """Tell whether a text has a mark of a token's forms; without one, `redact` would find no token in it."""
    return "EAA" in text or "|" in text or "%7" in text


def redact(text: str, *secrets: str) -> str:
    """Blank out the given secrets (raw, percent-encoded), what has the form of a token, and logins in addresses."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, REDACTED).replace(quote(secret, safe=""), REDACTED)
    if may_hold_token(text):
        text = _TOKEN_FORMS.sub(lambda found: found["message_id"] or REDACTED, text)
    return _LOGIN.sub(REDACTED, text) if "@" in text else text


def one_line(text: str) -> str:
    """Escape line ends and all else that cannot be seen, so that no text forges a log line or commands a terminal."""
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def mask_phone_number(text: str) -> str:
    """Shorten every phone number in a text to its last four digits."""
    return _PHONE_FORMS.sub(lambda match: "…" + match.group()[-4:], text)


def strip_secrets(value: object) -> object:
    """Copy a decoded JSON value with every credential blanked, by name and by form, at any depth."""
    if isinstance(value, dict):
        return {
            key: REDACTED if is_secret_name(str(key)) and inner else strip_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [strip_secrets(inner) for inner in value]
    return redact(value) if isinstance(value, str) else value
