"""What a refusal means: the taxonomy of codes and texts, as data that a user may override."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from typing import Any, Final, Literal

import msgspec

from ..errors import (
    Advice,
    AlreadyExistsError,
    APIError,
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    SessionWindowClosedError,
    SubscriberLimitError,
)
from ..outcomes import Outcome

__all__ = ["DEFAULT_REFUSALS", "RefusalRule", "RefusalTable"]

ErrorName = Literal["already_exists", "authentication", "not_found", "session_window_closed", "subscriber_limit"]

_ERRORS: Final[dict[str, type[APIError]]] = {
    "already_exists": AlreadyExistsError,
    "authentication": AuthenticationError,
    "not_found": NotFoundError,
    "session_window_closed": SessionWindowClosedError,
    "subscriber_limit": SubscriberLimitError,
}
# Contract, "Refusal texts": Meta's codes reach us inside texts only, in these two forms.
_CODE: Final = re.compile(r"\(\s*(?:error code\s*:\s*|#)(\d{1,9})\s*\)", re.IGNORECASE)
_BARE_CODE: Final = re.compile(r"\s*(\d{1,9})\s*")


class RefusalRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the taxonomy: what codes or texts mean."""

    advice: Advice | None = None
    error: ErrorName | None = None
    codes: tuple[int, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    """First and last code of a range."""
    texts: tuple[str, ...] = ()
    """Parts of the server's text, in any case."""

    def matches_code(self, code: int) -> bool:
        """Tell whether the rule speaks of this code."""
        return code in self.codes or any(low <= code <= high for low, high in self.ranges)

    def matches_text(self, text: str) -> bool:
        """Tell whether the rule speaks of this text."""
        folded = text.casefold()
        return any(part.casefold() in folded for part in self.texts)


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    rules: tuple[RefusalRule, ...]


class RefusalTable:
    """Rules in order; the first that matches decides, codes before texts. Unknown texts stay plain refusals."""

    def __init__(self, rules: Iterable[RefusalRule]) -> None:
        self.rules = tuple(rules)

    @classmethod
    def from_json(cls, document: bytes | str) -> RefusalTable:
        """Read a table of the shipped file's form.

        Raises:
            ConfigurationError: the document has another form.
        """
        try:
            return cls(msgspec.json.decode(document, type=_Document).rules)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise ConfigurationError(f"refusal table: {error}") from error

    def extended(self, *rules: RefusalRule) -> RefusalTable:
        """Return a table in which the given rules come first."""
        return RefusalTable((*rules, *self.rules))

    @staticmethod
    def code_in(text: str) -> int | None:
        """Return Meta's code from a text such as `... (#131056)`, or from a bare number such as a failed reason."""
        match = _CODE.search(text) or _BARE_CODE.fullmatch(text)
        return int(match.group(1)) if match else None

    def rule_for(self, text: str) -> tuple[int | None, RefusalRule]:
        """Return the code in a text and the rule that speaks of it, an empty one if none does."""
        code = self.code_in(text)
        if code is not None:
            for rule in self.rules:
                if rule.matches_code(code):
                    return code, rule
        return code, next((rule for rule in self.rules if rule.matches_text(text)), RefusalRule())

    def error_for(self, text: str, *, default: type[APIError] = APIError, **context: Any) -> APIError:
        """Return the error that a refusal of these words is.

        Args:
            text: the server's words.
            default: class where no rule names one, as the HTTP status suggests.
            context: status, headers and the like, for the error.
        """
        code, rule = self.rule_for(text)
        error_type = _ERRORS[rule.error] if rule.error else default
        advice = rule.advice or (Advice.FIX_CREDENTIALS if error_type is AuthenticationError else None)
        outcome = Outcome.UNKNOWN if advice is Advice.UNKNOWN_OUTCOME else Outcome.REFUSED
        return error_type(text, code=code, advice=advice, outcome=outcome, **context)

    def __repr__(self) -> str:
        return f"RefusalTable({len(self.rules)} rules)"


DEFAULT_REFUSALS: Final = RefusalTable.from_json(
    resources.files("wabotick_async.wire").joinpath("refusals.json").read_bytes()
)
