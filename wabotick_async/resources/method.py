"""Public methods, derived from request structs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from ..endpoints.base import Request

__all__ = ["Resource", "Sender", "method"]

P = ParamSpec("P")
AnswerT = TypeVar("AnswerT")


class Sender(Protocol):
    """Whatever can send a request: the client, or a stand-in."""

    async def send(self, request: Request[AnswerT], *, deadline: float | None = None) -> AnswerT:
        """Send a request and return its answer."""
        ...


class Resource:
    """A group of methods."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def __repr__(self) -> str:
        names = sorted(name for name in dir(type(self)) if not name.startswith("_"))
        return f"{type(self).__name__}({', '.join(names)})"


def method(request_type: Callable[P, Request[AnswerT]]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, AnswerT]]:
    """Return a method that takes the fields of a request struct and sends it."""

    async def call(self: Resource, /, *args: P.args, **kwargs: P.kwargs) -> AnswerT:
        return await self._sender.send(request_type(*args, **kwargs))

    struct = cast("type[Request[AnswerT]]", request_type)
    call.__name__ = struct.endpoint.name
    call.__qualname__ = f"Resource.{struct.endpoint.name}"
    call.__doc__ = struct.__doc__
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    # The struct's annotations as they are written: the evaluated ones would show every encoding's inside.
    written = {
        name: hint for cls in reversed(struct.__mro__) for name, hint in vars(cls).get("__annotations__", {}).items()
    }
    fields = (one.replace(annotation=written[name]) for name, one in inspect.signature(struct).parameters.items())
    call.__signature__ = inspect.Signature([own, *fields])  # type: ignore[attr-defined]  # functions take one
    return call
