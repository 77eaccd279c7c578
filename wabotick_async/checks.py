"""The settings of a client, checked: what is wrong is named, and never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .config import Limits
from .errors import ConfigurationError
from .values import Secret, clean_api_token

__all__ = ["clean_limits", "clean_phone_number_id", "clean_token", "setting"]

ValueT = TypeVar("ValueT")
ResultT = TypeVar("ResultT")


def setting(name: str, clean: Callable[[ValueT], ResultT], value: ValueT) -> ResultT:
    """Return a setting as its rule makes it.

    Raises:
        ConfigurationError: it breaks the rule; the message names the setting.
    """
    try:
        return clean(value)
    except ValueError as error:
        problem = str(error)
    except (TypeError, AttributeError):
        shown = value.reveal() if isinstance(value, Secret) else value
        problem = f"expected a text, got {type(shown).__name__}"
        del shown
    raise ConfigurationError(f"{name}: {problem}")  # out here it has no context, whose frames hold what was refused


def clean_limits(limits: object) -> Limits:
    """Return limits, the usual ones for None; anything else is a ValueError."""
    if limits is None:
        return Limits()
    if not isinstance(limits, Limits):
        raise ValueError(f"expected Limits, got {type(limits).__name__}")
    return limits


def clean_token(token: Secret) -> Secret:
    """Return a token without what was copied along."""
    return Secret(clean_api_token(token.reveal()))


def clean_phone_number_id(value: str | None) -> str | None:
    """Return Meta's id of a number; what has anything but digits is a ValueError."""
    if value is None:
        return None
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise ValueError("expected the digits of Meta's phone number id")
    return text
