"""Templates and postbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .base import Answer, JSONText, decode_json_text, decode_object

__all__ = ["Postback", "Template"]


class Template(Answer, frozen=True, kw_only=True, dict=True):
    """A message template. Its definition comes with a live Meta token, which is blanked before you see it."""

    id: str = ""
    """The short id: the one that `SendTemplate.template_id` wants."""
    meta_template_id: str | None = msgspec.field(name="template_id", default=None)
    """Meta's long id. Sending refuses it."""
    name: str = msgspec.field(name="template_name", default="")
    category: str | None = msgspec.field(name="template_category", default=None)
    locale: str | None = None
    status: str | None = None
    """`Approved`, `Rejected`, `Pending` and others."""
    template_type: str | None = None
    header_type: str | None = None
    header_subtype: str | None = None
    header_content: str | None = None
    body_content: str | None = None
    footer_content: str | None = None
    button_type: str | None = None
    raw_buttons: JSONText = msgspec.field(name="button_content", default="")
    raw_definition: JSONText = msgspec.field(name="template_json", default="")
    raw_variable_map: JSONText = msgspec.field(name="variable_map", default="")
    map_needed: bool = False
    """True for a template with unmapped variables: the API cannot send it."""
    whatsapp_business_id: str | None = None
    updated_at: str | None = None
    user_id: str | None = None
    system_template: bool = False
    check_wp_type: str | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """Return the decoded definition, its secrets blanked."""
        return decode_object(self.raw_definition)

    @property
    def buttons(self) -> Any:
        """Return the decoded buttons."""
        return decode_json_text(self.raw_buttons)

    @property
    def variable_map(self) -> dict[str, dict[str, str]]:
        """Return the variables by part and position: `{"body": {"1": "#name#"}}`. Empty parts are `{}`."""
        parts = decode_object(self.raw_variable_map)
        return {part: _by_position(variables) for part, variables in parts.items()}

    @property
    def body_variables(self) -> tuple[str, ...]:
        """Return the names of the body's variables in the order of their positions, without the marks around them."""
        body = self.variable_map.get("body", {})
        return tuple(body[position].strip("#!") for position in sorted(body, key=_position))


def _by_position(variables: object) -> dict[str, str]:
    if isinstance(variables, Mapping):
        return {str(position): str(name) for position, name in variables.items()}
    if isinstance(variables, list):  # PHP writes a gapless map from 0 as a list
        return {str(position): str(name) for position, name in enumerate(variables, 1)}
    return {}


def _position(text: str) -> tuple[int, str]:
    return (int(text) if text.isascii() and text.isdigit() else 1 << 30, text)


class Postback(Answer, frozen=True, kw_only=True, dict=True):
    """The definition of a postback: what a quick reply or a button names by `postback_id`."""

    id: str = ""
    postback_id: str = ""
    name: str = msgspec.field(name="bot_name", default="")
    bot_id: str | None = msgspec.field(name="whatsapp_bot_id", default=None)
    user_id: str | None = None
    status: str | None = None
    use_status: str | None = None
    is_template: bool = False
    template_name: str | None = None
    template_for: str | None = None
    template_id: str | None = None
    raw_definition: JSONText = msgspec.field(name="template_jsoncode", default="")
    label_ids: tuple[str, ...] = msgspec.field(name="whatsapp_bot_label_ids", default=())
    remove_label_ids: tuple[str, ...] = msgspec.field(name="whatsapp_bot_remove_label_ids", default=())
    postback_type: str | None = None
    row_type: str | None = None
    updated_at: str | None = None

    @property
    def definition(self) -> Any:
        """Return the decoded reply."""
        return decode_json_text(self.raw_definition)
