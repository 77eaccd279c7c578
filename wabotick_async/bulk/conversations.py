"""Reading conversations, templates and statuses for a reconciliation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from ..endpoints import GetConversation, GetMessageStatus, ListTemplates, Request
from ..errors import (
    AuthenticationError,
    ConfigurationError,
    RateLimitedError,
    TransportError,
    UnexpectedPageError,
    WabotickError,
)
from ..models import ConversationRow, MessageStatus, Template
from .delivery import Sends
from .evidence import Place
from .matching import Conversation

__all__ = ["Conversations"]

AnswerT = TypeVar("AnswerT")

_PAGE: Final = 50
_FAILURES_IN_A_ROW: Final = 3
# Whoever gets one of these for one conversation gets it for the next.
_ENDS_ALL: Final = (TransportError, AuthenticationError, RateLimitedError, UnexpectedPageError, ConfigurationError)


class Conversations:
    """Read what the platform shows. The client paces it and repeats what failed.

    Every method answers None where one thing cannot be read, and raises where nothing can.

    Args:
        client: asks the platform.
        pages: pages of 50 rows that are read of one conversation at most.
    """

    def __init__(self, client: Sends, *, pages: int) -> None:
        self._client = client
        self._pages = pages
        self._templates: dict[str, Mapping[str, Template]] = {}
        self._failures = 0

    async def read(self, place: Place) -> Conversation | None:
        """Read a conversation to its end, or as far as the pages go."""
        number, receiver = place
        rows: dict[str, ConversationRow] = {}
        for page in range(1, self._pages + 1):
            answer = await self._ask(
                GetConversation(phone_number_id=number or msgspec.UNSET, phone_number=receiver, limit=_PAGE, page=page)
            )
            if answer is None:
                return None
            before = len(rows)
            rows.update({row.message_id or f"row {row.id}": row for row in answer})
            if answer.next_page is None:
                return Conversation(rows=tuple(rows.values()), complete=True)
            if len(rows) == before:
                # A server that serves one page for ever ends the walk, and what lies behind it was not read.
                break
        return Conversation(rows=tuple(rows.values()), complete=False)

    async def templates(self, number: str) -> Mapping[str, Template] | None:
        """Read the templates of a sending number, by their short ids; once."""
        if number not in self._templates:
            answer = await self._ask(ListTemplates(phone_number_id=number or msgspec.UNSET))
            if answer is None:
                return None
            self._templates[number] = {template.id: template for template in answer}
        return self._templates[number]

    async def status(self, message_id: str) -> MessageStatus | None:
        """Ask for the status of a message."""
        return await self._ask(GetMessageStatus(message_id=message_id))

    async def _ask(self, request: Request[AnswerT]) -> AnswerT | None:
        try:
            answer = await self._client.send(request)
        except _ENDS_ALL:
            raise
        except WabotickError:
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                raise
            return None
        self._failures = 0
        return answer
