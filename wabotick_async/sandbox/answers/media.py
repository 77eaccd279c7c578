"""Media: upload, and sending by id or link."""

import posixpath
import urllib.parse
from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from ..dialect import done, is_sibling, sent
from ..records import Upload
from ..refusals import BAD_MEDIA, FieldsError, RefusalError
from .recipients import check, session_recipient

_TYPES = ("image", "video", "audio", "document")


def upload_media(call: Call) -> Body:
    """Take a file; the same file again gets another id."""
    number = call.number
    file = call.file
    if file is None:
        raise FieldsError.of("media_file", "field is required.")
    media_id = f"98234812{call.state.next_id():07d}"
    call.state.uploads[media_id] = Upload(
        media_id, number.phone_number_id, file.file_name, file.content_type, file.size, file.sha256
    )
    if not is_sibling(call):
        return {**done(call), "media_id": media_id}
    kind = file.content_type.partition("/")[0]
    media_type = kind if kind in _TYPES else "document"
    shapes = call.endpoint.other_success_shapes
    if call.turn % 2:
        return {**shapes[1].shape, "media_id": media_id, "media_url": f"https://example.com/{media_id}"}
    return {**shapes[0].shape, "media_id": media_id, "media_type": media_type, "media_name": file.file_name}


def send_media(call: Call) -> Body:
    """Send a file within the 24-hour window."""
    check(call)
    media_type, content = _content(call)
    subscriber = session_recipient(call)
    message_id = call.state.new_message_id()
    call.state.write_down(call.endpoint.name, call.fields, message_id=message_id, by_server=call.by_server)
    row: Body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": subscriber.phone_number,
        "type": media_type,
        media_type: content,
    }
    call.state.record(subscriber, "agent", row, message_id=message_id)
    return sent(call, message_id)


def _content(call: Call) -> tuple[str, Body]:
    media_id, link = call.text("media_id"), call.text("media_url")
    if not media_id and not link:
        raise FieldsError.of("media_url", "field is required when media id is not present.")
    if media_id and link:
        call.odd("both media_id and media_url were sent")
    media_type = _media_type(call, media_id, link)
    content: Body = {"id": media_id} if media_id else {"link": link}
    if media_type == "document":
        if not call.text("media_name"):
            raise FieldsError.of("media_name", "field is required when media type is document.")
        content["filename"] = call.text("media_name")
    caption = call.text("media_caption_text") or call.text("message")
    if caption and media_type == "audio":
        raise RefusalError("(#100) Invalid parameter: an audio message takes no caption.")
    if caption:
        content["caption"] = caption
    return media_type, content


def _media_type(call: Call, media_id: str, link: str) -> str:
    given = call.text("media_type")
    if given and given not in _TYPES:
        raise FieldsError.of("media_type", f"must be one of {', '.join(_TYPES)}.")
    if media_id:
        found = call.state.uploads.get(media_id)
        # An id belongs to the number it was uploaded for (contract, `send_media`).
        if found is None or found.phone_number_id != call.number.phone_number_id:
            raise RefusalError(BAD_MEDIA)
        if not given:
            raise FieldsError.of("media_type", "field is required when media id is present.")
        return given
    if not link.startswith(("http://", "https://")):
        raise FieldsError.of("media_url", "must be a valid URL.")
    extension = posixpath.splitext(urllib.parse.urlsplit(link).path)[1].lower()
    if not given and not extension:
        raise FieldsError.of("media_type", "field is required when the link has no file extension.")
    return given or _BY_EXTENSION.get(extension, "document")


_BY_EXTENSION = {
    ".jpg": "image",
    ".jpeg": "image",
    ".png": "image",
    ".webp": "image",
    ".mp4": "video",
    ".3gp": "video",
    ".mp3": "audio",
    ".ogg": "audio",
    ".aac": "audio",
    ".amr": "audio",
}

ANSWERS: Mapping[str, Callable[[Call], Body]] = {"upload_media": upload_media, "send_media": send_media}
