"""What a message of ours looks like in a conversation. Pure: no client, no journal, no clock."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

import msgspec

from ..endpoints import Request, SendMedia, SendTemplate, SendText, TemplateVariable
from ..models import ConversationRow, Template

__all__ = ["Expected", "ExpectedMedia", "ExpectedTemplate", "ExpectedText", "Likeness", "expect", "is_ours"]

_NOT_OURS: Final = frozenset({"user", "system"})
_MERGE_TAG: Final = re.compile(r"#[^#\s]+#")
_PLACE: Final = re.compile(r"(\{\{[^{}]+\}\})")


class Likeness(IntEnum):
    """How much a row of a conversation looks like a message."""

    NONE = 0
    LOOSE = 1
    """Nothing speaks against it, but the row does not hold all that was sent."""
    SAME = 2


class ExpectedText(msgspec.Struct, frozen=True):
    """A text as the conversation should show it."""

    body: str

    def likeness(self, row: ConversationRow) -> Likeness:
        """Compare with a row; the platform may have replaced `#...#` (contract, row 3)."""
        content = row.content
        if isinstance(content, dict):
            shown = _text(_part(content, "text"), "body") if content.get("type") == "text" else None
        else:
            shown = row.raw_content
        if shown is None:
            return Likeness.NONE
        if _plain(shown) == _plain(self.body):
            return Likeness.SAME
        literals = _MERGE_TAG.split(self.body)
        return Likeness.LOOSE if len(literals) > 1 and _fits(literals, shown) else Likeness.NONE


class ExpectedMedia(msgspec.Struct, frozen=True, kw_only=True):
    """A media message as the conversation should show it."""

    kind: str | None
    media_id: str | None
    link: str | None
    caption: str

    def likeness(self, row: ConversationRow) -> Likeness:
        """Compare with a row; the platform may have put a link's file under an id of its own."""
        content = row.content
        kind = content.get("type") if isinstance(content, dict) else None
        if kind not in {"image", "video", "audio", "document"} or self.kind not in {None, kind}:
            return Likeness.NONE
        media = _part(content, kind)
        if _plain(_text(media, "caption") or "") != _plain(self.caption):
            return Likeness.NONE
        media_id, link = _text(media, "id"), _text(media, "link")
        if (self.media_id and media_id) or (self.link and link):
            same = media_id == self.media_id if self.media_id and media_id else link == self.link
            return Likeness.SAME if same else Likeness.NONE
        return Likeness.LOOSE


class ExpectedTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template message as the conversation should show it."""

    name: str
    body: str
    """The template's own text with places such as `{{1}}`; empty where the list does not say it."""
    values: tuple[tuple[int, str], ...]
    """Position and value of each variable that was sent; the platform fills in the others."""

    def likeness(self, row: ConversationRow) -> Likeness:
        """Compare with a row: a send object with parameters, or a definition (contract, row 4)."""
        content = row.content
        if not isinstance(content, dict):
            return Likeness.NONE
        template = content if "type" not in content else _part(content, "template")
        if _text(template, "name") != self.name:
            return Likeness.NONE
        components = template.get("components")
        bodies = [
            one
            for one in (components if isinstance(components, list) else [])
            if isinstance(one, dict) and str(one.get("type")).lower() == "body"
        ]
        if len(bodies) != 1:
            return Likeness.LOOSE
        if isinstance(bodies[0].get("parameters"), list):
            return self._likeness_of_parameters(bodies[0]["parameters"])
        return self._likeness_of_text(_text(bodies[0], "text") or "")

    def _likeness_of_parameters(self, parameters: list[Any]) -> Likeness:
        shown = [_text(one, "text") if isinstance(one, dict) else None for one in parameters]
        for position, value in self.values:
            if position > len(shown):
                continue  # a variable that the template does not have is dropped
            one = shown[position - 1]
            if one is None:
                return Likeness.LOOSE
            if _plain(one) != _plain(value):
                return Likeness.NONE
        return Likeness.SAME

    def _likeness_of_text(self, shown: str) -> Likeness:
        if not self.body or _PLACE.search(shown) or (not self.values and not _PLACE.search(self.body)):
            # Nothing but the name tells: for a template without variables that is all there is.
            return Likeness.LOOSE if self.values else Likeness.SAME
        values = {f"{{{{{position}}}}}": value for position, value in self.values}
        literals = [""]
        for index, part in enumerate(_PLACE.split(self.body)):
            if index % 2 and part not in values:
                literals.append("")  # whatever the platform filled in
            else:
                literals[-1] += values.get(part, part)
        return Likeness.SAME if _fits(literals, shown) else Likeness.NONE


Expected = ExpectedText | ExpectedMedia | ExpectedTemplate


def expect(request: Request[Any], templates: Mapping[str, Template]) -> Expected | None:
    """Return what the conversation should show of a request; None where it shows nothing that can be told.

    Args:
        request: what was sent.
        templates: those of the sending number, by their short ids.
    """
    if isinstance(request, SendText):
        return ExpectedText(request.message)
    if isinstance(request, SendMedia):
        return ExpectedMedia(
            kind=request.media_type if isinstance(request.media_type, str) else None,
            media_id=request.media_id if isinstance(request.media_id, str) else None,
            link=request.media_url if isinstance(request.media_url, str) else None,
            caption=next((one for one in (request.caption, request.message) if isinstance(one, str) and one), ""),
        )
    template = templates.get(request.template_id) if isinstance(request, SendTemplate) else None
    if not isinstance(request, SendTemplate) or template is None or not template.name:
        return None
    values = tuple(
        sorted(
            (one.position, one.value)
            for one in request.variables
            if isinstance(one, TemplateVariable) and one.position is not None
        )
    )
    return ExpectedTemplate(name=template.name, body=template.body_content or "", values=values)


def is_ours(row: ConversationRow) -> bool:
    """Tell whether a row of a conversation is a message to the recipient. Senders are an open set."""
    return row.sender.lower() not in _NOT_OURS


def _part(content: dict[str, Any], name: str) -> dict[str, Any]:
    part = content.get(name)
    return part if isinstance(part, dict) else {}


def _text(content: Mapping[str, Any], name: str) -> str | None:
    value = content.get(name)
    return str(value) if isinstance(value, str | int | float) else None


def _plain(text: str) -> str:
    return _unwrapped(text).strip()


def _unwrapped(text: str) -> str:
    """Return a text without what platforms do to texts on their way through forms and web pages."""
    return html.unescape(text).replace("\r\n", "\n")


def _fits(literals: Sequence[str], shown: str) -> bool:
    """Tell whether a text is these literals in their order, with anything in between. Linear, whatever comes."""
    text = _plain(shown)
    first, *others = map(_unwrapped, literals)
    first = first.lstrip()
    if not others:
        return text == first.rstrip()
    last = others.pop().rstrip()
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for literal in others:
        found = text.find(literal, place, end)
        if found < 0:
            return False
        place = found + len(literal)
    return True
