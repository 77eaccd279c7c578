"""The variables of a template: `templateVariable-<name>-<position>`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from .fields import UNWRITABLE, Encoding, is_writable, plain_text, read_json

__all__ = ["VARIABLE_PREFIX", "TemplateVariable", "TemplateVariables", "write_variables"]

VARIABLE_PREFIX: Final = "templateVariable-"
"""How the wire name of each variable begins."""


class TemplateVariable(msgspec.Struct, frozen=True):
    """One variable of a template's body. One name may occur at two positions."""

    name: str
    """As the dashboard shows it; may hold hyphens."""
    value: str
    position: int | None = None
    """From 1; left out, its place in the sequence counts."""


# Meta refuses values with a newline, a tab or more than four blanks in a row (contract, row 2).
_REFUSED_BLANKS: Final = re.compile(r"[ \u00a0]*[\r\n\t\v\f]\s*| {5,}")


def _clean_variables(value: object) -> tuple[TemplateVariable, ...]:
    if type(value) is dict or isinstance(value, Mapping):  # the second question takes long
        cleaned = []
        for place, (name, text) in enumerate(value.items(), 1):
            variable = TemplateVariable(name, text, place)
            cleaned.append(variable if _is_clean(variable) else _clean_variable(variable, place))
        return tuple(cleaned)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        given = list(value)
    else:
        raise ValueError("expected a mapping of names to values, or TemplateVariable values in order")
    variables = tuple(
        one if isinstance(one, TemplateVariable) and _is_clean(one) else _clean_variable(one, place)
        for place, one in enumerate(given, 1)
    )
    positions = [one.position for one in variables]
    if len(set(positions)) != len(positions):
        raise ValueError(f"expected each position once, got {positions}")
    return variables


def _clean_variable(variable: object, place: int) -> TemplateVariable:
    if not isinstance(variable, TemplateVariable) or not _is_text(variable.name):
        raise ValueError(f"variable {place}: expected a TemplateVariable with a name")
    value: object = variable.value
    text = _REFUSED_BLANKS.sub(" ", plain_text(value)).strip() if isinstance(value, str | int | float) else ""
    if not text:
        raise ValueError(f"variable {variable.name!r}: expected a value; without one it would arrive as '-'")
    if not is_writable(variable.name + text):
        raise ValueError(f"variable {variable.name!r}: {UNWRITABLE}")
    position: object = place if variable.position is None else variable.position
    if not isinstance(position, int) or isinstance(position, bool) or position < 1:
        raise ValueError(f"variable {variable.name!r}: expected a position from 1, got {position}")
    return TemplateVariable(variable.name, text, position)


def _is_clean(variable: TemplateVariable) -> bool:
    """Tell whether the rules below would change nothing; what can be printed has no line end and no half a pair."""
    name, text, position = variable.name, variable.value, variable.position
    return (
        type(name) is str
        and type(text) is str
        and type(position) is int
        and position > 0
        and name.isprintable()
        and name.strip() != ""
        and text.isprintable()
        and text != ""
        and text.strip() == text
        and "     " not in text
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def write_variables(variables: Sequence[TemplateVariable]) -> dict[str, str]:
    """Return each variable's text by its wire name."""
    return {f"{VARIABLE_PREFIX}{one.name}-{one.position}": one.value for one in variables}


def _read_variables(text: str) -> object:
    value = read_json(text) if text.lstrip().startswith(("{", "[")) else None
    if isinstance(value, list):
        try:
            return msgspec.convert(value, list[TemplateVariable])
        except msgspec.ValidationError as error:
            raise ValueError(f"expected variables with name and value: {error}") from error
    if isinstance(value, dict):
        return value
    raise ValueError('expected a JSON object such as {"name":"value"}')


TemplateVariables = Annotated[
    Mapping[str, str] | Sequence[TemplateVariable],
    Encoding(
        clean=_clean_variables,
        write=write_variables,
        read=_read_variables,
        family="templateVariable-<name>-<position>",
    ),
]
