"""What the platform does and says for each of the 31 endpoints."""

from collections.abc import Callable, Mapping

from ..call import Call
from ..contract import Body
from . import accounts, catalog, chat, conversations, media, sends, subscribers, templates

Answer = Callable[[Call], Body]

ANSWERS: Mapping[str, Answer] = {
    **accounts.ANSWERS,
    **sends.ANSWERS,
    **media.ANSWERS,
    **conversations.ANSWERS,
    **templates.ANSWERS,
    **subscribers.ANSWERS,
    **chat.ANSWERS,
    **catalog.ANSWERS,
}
"""Endpoint name -> the function that carries the call out and returns the answer."""

__all__ = ["ANSWERS", "Answer"]
