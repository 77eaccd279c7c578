"""Reading a request's form, urlencoded or multipart; files are counted, never held."""

import hashlib
import urllib.parse
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from .call import ReceivedFile
from .contract import EndpointContract

FORM_CAP = 1024 * 1024
"""Largest urlencoded body in bytes."""
PART_CAP = 64 * 1024
"""Largest text part of a multipart body in bytes."""
FILE_CAP = 100 * 1024 * 1024
"""Largest uploaded file in bytes (Meta's limit for documents)."""
_CHUNK = 64 * 1024


class TooLargeError(Exception):
    """Say that a body or a part is above its cap."""


@dataclass(slots=True)
class Form:
    """Hold the fields of a request."""

    fields: dict[str, str] = field(default_factory=dict)
    repeated: list[str] = field(default_factory=list)
    """Keys that came more than once, which the contract rules out."""
    file: ReceivedFile | None = None
    problems: list[str] = field(default_factory=list)

    def add(self, key: str, value: str) -> None:
        """Take in one field."""
        if key in self.fields:
            self.repeated.append(key)
        self.fields[key] = value


async def read_form(request: web.BaseRequest, endpoint: EndpointContract) -> Form:
    """Read the whole body.

    Raises:
        TooLargeError: when the body or one of its parts is above its cap.
    """
    if request.content_type == "multipart/form-data":
        return await _multipart(request, endpoint)
    body = await _capped(request)
    form = Form()
    if request.content_type != "application/x-www-form-urlencoded":
        form.problems.append(f"content type {request.content_type}")
        return form
    try:
        text = body.decode("ascii")
        pairs = urllib.parse.parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:
        form.problems.append("the form is not urlencoded UTF-8")
        return form
    for key, value in pairs:
        form.add(key, value)
    return form


async def _capped(request: web.BaseRequest) -> bytes:
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > FORM_CAP:
            raise TooLargeError
    return bytes(body)


async def _multipart(request: web.BaseRequest, endpoint: EndpointContract) -> Form:
    form = Form()
    if not endpoint.takes_file:
        form.problems.append("multipart where urlencoded is asked for")
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader):
                await _take(part, form)
    except ValueError:
        form.problems.append("the multipart body is broken")
    return form


async def _take(part: BodyPartReader, form: Form) -> None:
    if part.filename is None:
        form.add(part.name or "", await _text(part))
        return
    file = await _count(part)
    if part.name != "media_file":
        # A client that called it `file` got no media id (contract note).
        form.problems.append(f"file part is called {part.name}")
        return
    if "Content-Type" not in part.headers:
        form.problems.append("media_file has no content type")
    form.file = file


async def _text(part: BodyPartReader) -> str:
    data = bytearray()
    while chunk := await part.read_chunk(_CHUNK):
        data += chunk
        if len(data) > PART_CAP:
            raise TooLargeError
    return data.decode("utf-8")


async def _count(part: BodyPartReader) -> ReceivedFile:
    seen, size = hashlib.sha256(), 0
    while chunk := await part.read_chunk(_CHUNK):
        seen.update(chunk)
        size += len(chunk)
        if size > FILE_CAP:
            raise TooLargeError
    content_type = part.headers.get("Content-Type", "application/octet-stream")
    return ReceivedFile(part.filename or "", content_type, size, seen.hexdigest())
