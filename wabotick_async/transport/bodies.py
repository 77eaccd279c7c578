"""Bodies as aiohttp takes them, and the files behind them."""

from __future__ import annotations

import asyncio
import io
import os

import aiohttp

from ..errors import NotSentError
from ..wire.http import Multipart

__all__ = ["OpenedBody", "opened"]


class OpenedBody:
    """A body, and the file to close behind it."""

    def __init__(self, body: aiohttp.BytesPayload | aiohttp.FormData, file: io.IOBase | None) -> None:
        self.body = body
        self.file = file

    def __enter__(self) -> aiohttp.BytesPayload | aiohttp.FormData:
        return self.body

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()


async def opened(body: bytes | Multipart) -> OpenedBody:
    """Open a body.

    Raises:
        NotSentError: the file cannot be read.
    """
    # Both kinds have a repr without content: in a traceback with locals, bare bytes would show the token.
    if isinstance(body, bytes):
        return OpenedBody(aiohttp.BytesPayload(body), None)
    form = aiohttp.FormData()
    form.add_fields(*body.fields.items())
    file: io.IOBase | None = None
    source: object = body.file
    if isinstance(body.file, bytes):
        source = file = io.BytesIO(body.file)
    elif isinstance(body.file, str | os.PathLike):
        try:
            source = file = await asyncio.to_thread(open, body.file, "rb")
        except OSError as error:
            raise NotSentError(f"cannot read the file: {error.strerror}", fatal=True) from error
    form.add_field(body.file_field, source, filename=body.file_name, content_type=body.content_type)
    return OpenedBody(form, file)
