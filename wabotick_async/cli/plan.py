"""What a campaign sends to each row of its file: kept in the journal, so that it can go on from there alone."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from ..bulk import BulkMessage
from ..endpoints import Request, SendMedia, SendTemplate, SendText, TemplateVariable
from ..errors import RequestInvalidError
from .recipients import RecipientFile, RecipientRow, RowError

__all__ = ["MediaContent", "Plan", "TemplateContent", "TextContent", "VariableSource", "read_placeholders"]


class VariableSource(msgspec.Struct, frozen=True):
    """Where the value of a template's variable comes from."""

    name: str
    column: str
    position: int | None = None
    """From 1; None for its place among the variables."""

    def read(self, row: RecipientRow) -> TemplateVariable:
        """Return the variable with its value in one row."""
        value = row.require(self.column, f"a value for the variable {self.name!r}")
        return TemplateVariable(self.name, value, self.position)


class TemplateContent(msgspec.Struct, frozen=True, kw_only=True, tag="template"):
    """A template, its variables filled from columns."""

    template_id: str
    variables: tuple[VariableSource, ...] = ()
    header_media_url: str | None = None
    header_media_column: str | None = None

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield the columns that are needed, each with the option that names it."""
        yield from ((one.column, f"--var {one.name}={one.column}") for one in self.variables)
        if self.header_media_column is not None:
            yield self.header_media_column, "--header-media-column"

    def request(self, phone_number: str, row: RecipientRow) -> Request[Any]:
        """Return the request for one row."""
        header = self.header_media_url
        if self.header_media_column is not None:
            header = row.require(self.header_media_column, "a link for the header")
        return SendTemplate(
            phone_number=phone_number,
            template_id=self.template_id,
            variables=[
                TemplateVariable(
                    one.name, row.require(one.column, f"a value for the variable {one.name!r}"), one.position
                )
                for one in self.variables
            ],
            header_media_url=UNSET if header is None else header,
        )

    def column_of(self, field: str | None) -> str | None:
        """Return the column that fills a field of the request."""
        return self.header_media_column if field == "header_media_url" else None


class MediaContent(msgspec.Struct, frozen=True, kw_only=True, tag="media"):
    """A file: uploaded once, behind a link, or behind a link in a column."""

    path: str | None = None
    """Of a local file; `media_id` is its upload."""
    media_id: str | None = None
    media_url: str | None = None
    media_column: str | None = None
    media_type: str | None = None
    media_name: str | None = None
    caption: str | None = None
    caption_column: str | None = None

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield the columns that are needed, each with the option that names it."""
        if self.media_column is not None:
            yield self.media_column, "--media"
        if self.caption_column is not None:
            yield self.caption_column, "--caption-column"

    def request(self, phone_number: str, row: RecipientRow) -> Request[Any]:
        """Return the request for one row."""
        link = self.media_url if self.media_column is None else row.require(self.media_column, "an https:// link")
        caption = self.caption if self.caption_column is None else row[self.caption_column]
        name = self.media_name
        if name is None and link is not None and self.media_type == "document":
            name = link.split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        return SendMedia(
            phone_number=phone_number,
            media_id=UNSET if self.media_id is None else self.media_id,
            media_url=UNSET if link is None else link,
            media_type=self.media_type or UNSET,
            media_name=name or UNSET,
            caption=caption or UNSET,
        )

    def column_of(self, field: str | None) -> str | None:
        """Return the column that fills a field of the request."""
        return {"media_url": self.media_column, "caption": self.caption_column}.get(field or "")


class TextContent(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """A text whose `{column}` places are filled from columns."""

    text: str

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield the columns that are needed, each with the option that names it."""
        yield from ((name, "--text") for name in read_placeholders(self.text))

    def request(self, phone_number: str, row: RecipientRow) -> Request[Any]:
        """Return the request for one row."""
        names = read_placeholders(self.text)
        values = {name: row.require(name, f"a value for {{{name}}} in the text") for name in names}
        return SendText(phone_number=phone_number, message=self.text.format_map(values))

    def column_of(self, field: str | None) -> str | None:
        """Return None: a text comes from all columns together."""
        return None


def read_placeholders(text: str) -> list[str]:
    """Return the columns that a text names in braces.

    Raises:
        ValueError: the braces are not balanced, or hold more than a name.
    """
    names = []
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        # An attribute or an index would reach into the value.
        if not name or form or conversion or any(mark in name for mark in ".[]"):
            raise ValueError("expected the name of a column in each pair of braces, and {{ or }} for a brace itself")
        names.append(name)
    return names


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign: what goes to whom, and how fast. Never holds the token."""

    source: str
    """Absolute path of the CSV file."""
    digest: str = ""
    """SHA-256 of the file."""
    rows: int = 0
    """Rows below the header."""
    delimiter: str = ","
    phone_column: str = "phone"
    content: TemplateContent | MediaContent | TextContent
    campaign: str = ""
    base_url: str = ""
    phone_number_id: str = ""
    rate: float = 10.0
    """Requests a second."""
    start_rate: float | None = None
    """Requests a second to begin with; None for `rate`."""
    concurrency: int = 32
    max_unknown: int = 100
    timeout: float = 30.0
    """Seconds for one attempt."""

    def check_columns(self, file: RecipientFile) -> None:
        """Check that the file has every column that the plan needs.

        Raises:
            CommandError: one is missing.
        """
        file.require_column(self.phone_column, "--phone-column")
        for column, option in self.content.columns():
            file.require_column(column, option)

    def message(self, row: RecipientRow) -> BulkMessage:
        """Return the message for one row; its key is the phone number, so each number gets one message.

        Raises:
            RowError: a cell is not as expected.
        """
        row.check()
        phone = row.require(self.phone_column, "a phone number with country code")
        try:
            request = self.content.request(phone, row)
        except RequestInvalidError as error:
            column = self.phone_column if error.field == "phone_number" else self.content.column_of(error.field)
            raise RowError(row.number, column or error.field, error.problem) from None
        return BulkMessage(request=request, key=str(getattr(request, "phone_number", phone)))

    def messages(self, file: RecipientFile) -> Iterator[BulkMessage]:
        """Yield the message of each row of a file that `survey` found good."""
        return map(self.message, file.rows())
