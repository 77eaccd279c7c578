"""What crosses the wire, as values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..endpoints.fields import FileSource

__all__ = ["FORM_TYPE", "HTTPAnswer", "HTTPRequest", "Multipart"]

FORM_TYPE = "application/x-www-form-urlencoded"


class Multipart(msgspec.Struct, frozen=True, kw_only=True):
    """A form with one file part, which is read while it is sent."""

    fields: Mapping[str, str]
    file_field: str
    file: FileSource
    file_name: str
    content_type: str

    @property
    def rereadable(self) -> bool:
        """Tell whether the file can be sent a second time; a stream cannot."""
        return not hasattr(self.file, "__aiter__")

    def __repr__(self) -> str:
        return f"Multipart(file_name={self.file_name!r}, content_type={self.content_type!r})"


class HTTPRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A POST below the base URL. It holds the token, so it never shows its body."""

    path: str
    body: bytes | Multipart
    team_host: bool = False
    unsafe: bool = False
    """Whether it sends or adds something, so that no two answers can name the same message."""

    def __repr__(self) -> str:
        return f"HTTPRequest(path={self.path!r})"


class HTTPAnswer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Status, header fields by lower-case name, and the body as it was after decompression."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HTTPAnswer(status={self.status}, {len(self.body)} bytes)"
