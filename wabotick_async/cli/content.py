"""From the options of `broadcast` to what is sent."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ..errors import RequestInvalidError
from .exits import CommandError
from .plan import MediaContent, TemplateContent, TextContent, VariableSource, read_placeholders
from .recipients import RecipientRow

__all__ = ["Choice", "choose_content"]

_SOMEBODY: Final = "910000000000"
_NOT_UPLOADED: Final = "not uploaded yet"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The options that say what is sent, as they were typed."""

    template: str | None = None
    var: Sequence[str] = ()
    header_media_url: str | None = None
    header_media_column: str | None = None
    media: str | None = None
    media_type: str | None = None
    caption: str | None = None
    caption_column: str | None = None
    text: str | None = None


_BELONG_TO = {
    "template": ("var", "header_media_url", "header_media_column"),
    "media": ("media_type", "caption", "caption_column"),
    "text": (),
}


def choose_content(choice: Choice, columns: Sequence[str]) -> TemplateContent | MediaContent | TextContent:
    """Return what to send.

    Args:
        choice: the options.
        columns: names in the header of the file; `--media` may be one of them.

    Raises:
        CommandError: options are missing, do not go together or have a wrong form.
    """
    kinds = [kind for kind in _BELONG_TO if getattr(choice, kind) is not None]
    if len(kinds) != 1:
        raise CommandError("expected exactly one of --template, --media and --text")
    for kind, options in _BELONG_TO.items():
        for option in options:
            if kind != kinds[0] and getattr(choice, option):
                raise CommandError(f"{_option(option)}: goes with --{kind}, not with --{kinds[0]}")
    if choice.template is not None:
        return _template(choice, choice.template)
    return _text(choice.text or "") if choice.media is None else _media(choice, choice.media, columns)


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def _template(choice: Choice, template_id: str) -> TemplateContent:
    if choice.header_media_url and choice.header_media_column:
        raise CommandError("expected one of --header-media-url and --header-media-column, not both")
    variables: dict[str, VariableSource] = {}
    for text in choice.var:
        # A name may hold blanks, hyphens and more, so the last equals sign separates.
        name, mark, column = text.rpartition("=")
        if not (name and mark and column):
            raise CommandError(f"--var: expected name=column, got {text!r}")
        if name in variables:
            raise CommandError(f"--var: expected each variable once, got {name!r} twice")
        variables[name] = VariableSource(name, column)
    content = TemplateContent(template_id=template_id.strip(), header_media_url=choice.header_media_url)
    _try_out(content, {"template_id": "--template"})
    return msgspec.structs.replace(
        content, variables=tuple(variables.values()), header_media_column=choice.header_media_column
    )


def _text(text: str) -> TextContent:
    if not text.strip():
        raise CommandError("--text: expected a text that is not empty")
    try:
        read_placeholders(text)
    except ValueError as error:
        raise CommandError(f"--text: {error}") from None
    return TextContent(text=text)


def _media(choice: Choice, media: str, columns: Sequence[str]) -> MediaContent:
    if choice.caption and choice.caption_column:
        raise CommandError("expected one of --caption and --caption-column, not both")
    content = MediaContent(media_type=choice.media_type, caption=choice.caption)
    if media in columns:
        return msgspec.structs.replace(content, media_column=media, caption_column=choice.caption_column)
    is_link = "://" in media
    content = msgspec.structs.replace(content, media_url=media) if is_link else _local_file(content, Path(media))
    _try_out(content, {"media_url": "--media"})
    return msgspec.structs.replace(content, caption_column=choice.caption_column)


def _try_out(content: TemplateContent | MediaContent, options: Mapping[str, str]) -> None:
    """Check what does not come from a column, so that a wrong option is named once and not for each row."""
    try:
        content.request(_SOMEBODY, RecipientRow(1, {}, ()))
    except RequestInvalidError as error:
        field = error.field or ""
        raise CommandError(f"{options.get(field, _option(field))}: {error.problem}") from None


def _local_file(content: MediaContent, path: Path) -> MediaContent:
    if not path.is_file() or not os.access(path, os.R_OK):
        raise CommandError(f"--media: expected a readable file, an https:// link or a column, got {str(path)!r}")
    kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
    media_type = content.media_type or (kind if kind in {"image", "video", "audio"} else "document")
    return msgspec.structs.replace(
        content,
        path=str(path.absolute()),
        media_id=_NOT_UPLOADED,
        media_type=media_type,
        media_name=path.name if media_type == "document" else None,
    )
