"""Requests about messages."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from msgspec import UNSET, UnsetType, field
from msgspec.structs import force_setattr

from ..errors import RequestInvalidError
from ..models import BroadcastReceipt, ConversationRow, MessageStatus, Page, SendReceipt, UploadedMedia
from .base import NumberRequest, Request, SubscriberRequest
from .description import Safety
from .endpoint_registry import endpoint
from .fields import (
    UNWRITABLE,
    FileNote,
    FilePart,
    HTTPSLink,
    JSONValue,
    NumericId,
    PageNumber,
    RequiredText,
    ShortId,
    WebLink,
    is_writable,
    limit_up_to,
)
from .variables import TemplateVariables

__all__ = [
    "GetConversation",
    "GetMessageStatus",
    "SendBroadcastTemplate",
    "SendMedia",
    "SendTemplate",
    "SendText",
    "UploadMedia",
]

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
TEXT_LIMIT = 4096
MEDIA_TYPES = ("image", "video", "audio", "document")


@endpoint("send_template", "/whatsapp/send/template", Safety.UNSAFE)
class SendTemplate(SubscriberRequest[SendReceipt], frozen=True, kw_only=True, gc=False):
    """Send an approved template to one recipient."""

    template_id: ShortId
    """Short numeric id from the template list, not Meta's long one."""
    variables: TemplateVariables = ()
    """Values of the body's variables: a mapping in the order of positions, or `TemplateVariable` values."""
    header_media_url: WebLink | UnsetType = field(name="template_header_media_url", default=UNSET)
    """Public link to the image, video or document of the header."""
    quick_reply_button_values: JSONValue | UnsetType = field(name="template_quick_reply_button_values", default=UNSET)
    """Postback ids in the order of the template's buttons."""

    def check(self) -> None:
        """Check that the quick replies are a list of texts."""
        values: object = self.quick_reply_button_values
        if values is UNSET:
            return
        if (
            not isinstance(values, Sequence)
            or isinstance(values, str)
            or not all(isinstance(one, str) for one in values)
        ):
            raise RequestInvalidError("expected a list of postback ids", field="quick_reply_button_values")


@endpoint("send_text", "/whatsapp/send", Safety.UNSAFE)
class SendText(SubscriberRequest[SendReceipt], frozen=True, kw_only=True, gc=False):
    """Send a text to a recipient who wrote within the last 24 hours."""

    message: RequiredText
    """Up to 4,096 characters. `#...#` may be replaced by the platform."""

    def check(self) -> None:
        """Check the length of the text."""
        if len(self.message) > TEXT_LIMIT:
            raise RequestInvalidError(
                f"expected at most {TEXT_LIMIT} characters, got {len(self.message)}", field="message"
            )


@endpoint("get_conversation", "/whatsapp/get/conversation", Safety.SAFE)
class GetConversation(SubscriberRequest[Page[ConversationRow]], frozen=True, kw_only=True):
    """Read one page of a conversation, newest rows first."""

    limit: Annotated[int, limit_up_to(50)] = 50
    """Rows a page, 1 to 50."""
    page: PageNumber = field(name="offset", default=1)
    """Number of the page, from 1."""


@endpoint("send_media", "/whatsapp/send/file", Safety.UNSAFE)
class SendMedia(SubscriberRequest[SendReceipt], frozen=True, kw_only=True, gc=False):
    """Send an image, a video, a sound or a document to a recipient who wrote within the last 24 hours."""

    media_url: HTTPSLink | UnsetType = UNSET
    """Public HTTPS link; give this or `media_id`."""
    media_id: RequiredText | UnsetType = UNSET
    """Id of an upload from the same sending number; give this or `media_url`."""
    media_type: str | UnsetType = UNSET
    """`image`, `video`, `audio` or `document`; needed with `media_id` and for a link without a file extension."""
    media_name: RequiredText | UnsetType = UNSET
    """File name shown; needed for a document."""
    caption: str | UnsetType = field(name="media_caption_text", default=UNSET)
    """Caption of anything but a sound."""
    message: str | UnsetType = UNSET
    """Caption where `caption` is left out."""

    def check(self) -> None:
        """Check which fields go together (contract, row 6)."""
        if (self.media_url is UNSET) == (self.media_id is UNSET):
            raise RequestInvalidError("expected exactly one of media_url and media_id", field="media_url")
        if self.media_type is UNSET:
            if self.media_id is not UNSET or not _has_extension(self.media_url):
                raise RequestInvalidError(
                    f"expected one of {', '.join(MEDIA_TYPES)}: an id or a link without extension does not tell",
                    field="media_type",
                )
        elif self.media_type not in MEDIA_TYPES:
            raise RequestInvalidError(
                f"expected one of {', '.join(MEDIA_TYPES)}, got {self.media_type!r}", field="media_type"
            )
        if self.media_type == "document" and self.media_name is UNSET:
            raise RequestInvalidError("expected a file name for a document", field="media_name")
        if self.media_type == "audio" and self.caption is not UNSET:
            raise RequestInvalidError("expected no caption for a sound", field="caption")


def _has_extension(link: str | UnsetType) -> bool:
    return isinstance(link, str) and "." in urlsplit(link).path.rsplit("/", 1)[-1]


@endpoint("upload_media", "/whatsapp/upload/media", Safety.IDEMPOTENT)
class UploadMedia(NumberRequest[UploadedMedia], frozen=True, kw_only=True):
    """Upload a media file once, to send it many times by its id."""

    file: FilePart = field(name="media_file")
    """A path, bytes, or an asynchronous stream of bytes. Files and streams are never read whole into memory."""
    file_name: FileNote = ""
    """Needed for bytes and streams; a path names itself."""
    content_type: FileNote = ""
    """Guessed from the file name where left out."""

    def check(self) -> None:
        """Check that the file can be read, and fill in its name and content type."""
        source = self.file
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            if not path.is_file() or not os.access(path, os.R_OK):
                raise RequestInvalidError(f"expected a readable file, got {str(path)!r}", field="file")
            if not self.file_name:
                force_setattr(self, "file_name", path.name)
        elif isinstance(source, bytes):
            if not source:
                raise RequestInvalidError("expected bytes, got none", field="file")
        elif not hasattr(source, "__aiter__"):
            raise RequestInvalidError(
                f"expected a path, bytes or an asynchronous stream of bytes, got {type(source).__name__}", field="file"
            )
        if not self.file_name:
            raise RequestInvalidError("expected a file name beside bytes or a stream", field="file_name")
        if not self.content_type:
            guess = mimetypes.guess_type(self.file_name)[0]
            force_setattr(self, "content_type", guess or "application/octet-stream")
        # Both become header lines of the file's part.
        for name, text in (("file_name", self.file_name), ("content_type", self.content_type)):
            if _CONTROL.search(text):
                raise RequestInvalidError(f"expected no control characters, got {text!r}", field=name)
        if not is_writable(self.file_name):  # of a path, which may be any bytes
            raise RequestInvalidError(UNWRITABLE, field="file_name")


@endpoint("get_message_status", "/whatsapp/get/message-status", Safety.SAFE)
class GetMessageStatus(Request[MessageStatus], frozen=True, kw_only=True):
    """Ask how far a message came."""

    message_id: RequiredText = field(name="wa_message_id")
    """WhatsApp's id from the receipt of the send."""
    whatsapp_bot_id: NumericId | UnsetType = UNSET
    """Numeric bot id, which some brands want; not the phone number id."""


@endpoint("send_broadcast_template", "/whatsapp/broadcast/template/send", Safety.UNSAFE)
class SendBroadcastTemplate(NumberRequest[BroadcastReceipt], frozen=True, kw_only=True):
    """Start a broadcast on the platform. Its flow format is not public, so it is passed through."""

    flow_data: JSONValue
    """The visual-flow document, any JSON value."""
