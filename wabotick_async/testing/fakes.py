"""A transport that answers what a test has queued, and a client on top of it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from ..client import WabotickClient
from ..config import RetryPolicy, Timeout
from ..endpoints import Request, registry
from ..endpoints.fields import FileSource
from ..models import Answer, Receipt
from ..outcomes import Outcome
from ..transport.pace import ACCOUNT, UNSCOPED, Scope, Scopes
from ..wire import HTTPAnswer, HTTPRequest, Multipart
from .manual_clock import ManualClock

__all__ = ["FakeRequest", "FakeTransport", "NoLimit", "QueuedAnswer", "fake_client"]

QueuedAnswer = Answer | Iterable[Answer] | Mapping[str, Any] | bytes | HTTPAnswer | BaseException | None
"""What a test may queue: an answer struct, rows of them, a JSON object, a body, a whole HTTP answer, or an exception to
raise. None stands for a row that is not there."""

_TOKEN_FIELD: Final = "apiToken"  # noqa: S105 - the field's name
_JSON_HEADERS: Final = {"content-type": "application/json"}


class FakeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request that a fake transport was given."""

    endpoint: str
    """Name in the endpoint registry; the path, where that is in no endpoint."""
    path: str
    form: Mapping[str, str]
    """The form's fields by wire name, without the token."""
    team_host: bool
    timeouts: Timeout
    file: FileSource | None = None
    """What an upload would have been read from."""
    file_name: str = ""
    content_type: str = ""


class FakeTransport:
    """Answers requests from queues, in place of a session pool, and records them.

    An answer that was queued for the endpoint goes first, then those that were queued in order, then the default.

    Args:
        answers: answers in order, whatever is asked.
        default: the answer when nothing is queued; without one, such a request fails the test.
    """

    def __init__(self, *answers: QueuedAnswer, default: QueuedAnswer = None) -> None:
        self.requests: list[FakeRequest] = []
        """What came, in order."""
        self.closed = False
        self._in_order = deque(answers)
        self._by_endpoint: defaultdict[str, deque[QueuedAnswer]] = defaultdict(deque)
        self._default = default

    def answer(self, endpoint: str | type[Request[Any]], *answers: QueuedAnswer) -> None:
        """Queue answers for one endpoint, by its name or request struct."""
        name = endpoint if isinstance(endpoint, str) else endpoint.endpoint.name
        self._by_endpoint[name].extend(answers)

    def sent(self, endpoint: str | type[Request[Any]]) -> list[FakeRequest]:
        """Return the requests of one endpoint."""
        name = endpoint if isinstance(endpoint, str) else endpoint.endpoint.name
        return [request for request in self.requests if request.endpoint == name]

    @property
    def left(self) -> int:
        """Return how many queued answers nobody has asked for yet."""
        return len(self._in_order) + sum(map(len, self._by_endpoint.values()))

    async def post(self, call: HTTPRequest, timeouts: Timeout) -> HTTPAnswer:
        """Record the request, and return or raise the next answer.

        Raises:
            AssertionError: nothing is queued for it.
        """
        request = _recorded(call, timeouts)
        self.requests.append(request)
        queue = self._by_endpoint[request.endpoint] or self._in_order
        if not queue and self._default is None:
            raise AssertionError(f"FakeTransport: no answer is queued for {request.endpoint}")
        answer = queue.popleft() if queue else self._default
        if isinstance(answer, BaseException):
            raise answer
        return _as_http(answer)

    async def close(self) -> None:
        """Note that the client was closed."""
        self.closed = True

    def __repr__(self) -> str:
        return f"FakeTransport({len(self.requests)} requests, {self.left} answers left)"


class NoLimit:
    """A rate limiter that grants at once, and records the pauses that it was asked for."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        """Clock times up to which a pause was asked for."""

    async def acquire(
        self, scopes: Scopes = UNSCOPED, *, max_wait: float | None = None, urgent: bool = False, park: bool = False
    ) -> float:
        """Grant at once."""
        return 0.0

    def release(self, *, elapsed: float, outcome: Outcome | None) -> None:
        """Take no notice."""

    def throttled(self, until: float, scope: Scope = ACCOUNT, why: str = "", *, elapsed: float = 0.0) -> bool:
        """Record the pause, and go on granting."""
        return self.pause(until, scope, why)

    def pause(self, until: float, scope: Scope = ACCOUNT, why: str = "") -> bool:
        """Record it, and go on granting."""
        self.pauses.append(until)
        return True

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take no notice."""


# Any: settings are passed on to WabotickClient as they are.
def fake_client(
    transport: FakeTransport | None = None,
    *,
    clock: ManualClock | None = None,
    api_token: str = "1|FakeFakeFakeFakeFakeFakeFakeFakeFakeFake",  # noqa: S107 - made up
    phone_number_id: str | None = "100000000000001",
    **settings: Any,
) -> WabotickClient:
    """Return a client that talks to a fake transport, knows no rate limit, and waits for nothing.

    Retries happen as they do in life, only their pauses cost no time: they move the `clock`, which starts as one that
    jumps.

    Args:
        transport: what answers; a new one without answers by default.
        clock: in place of one that jumps.
        api_token: the token in the forms, of which the transport's record shows nothing.
        phone_number_id: for requests that name no sending number.
        settings: anything else that `WabotickClient` takes.
    """
    clock = clock or ManualClock(jump=True)
    defaults: dict[str, Any] = {
        "pool": transport if transport is not None else FakeTransport(),
        "limiter": NoLimit(),
        "retry": RetryPolicy(base=0.0, cap=0.0),
        "clock": clock,
        "sleep": clock.sleep,
    }
    return WabotickClient(api_token, phone_number_id=phone_number_id, **{**defaults, **settings})


def _recorded(call: HTTPRequest, timeouts: Timeout) -> FakeRequest:
    names = (one.name for one in registry.values() if call.path in {one.path, *one.alternative_paths})
    common: dict[str, Any] = {
        "endpoint": next(names, call.path),
        "path": call.path,
        "team_host": call.team_host,
        "timeouts": timeouts,
    }
    if isinstance(call.body, Multipart):
        upload = call.body
        common |= {"file": upload.file, "file_name": upload.file_name, "content_type": upload.content_type}
        pairs: Iterable[tuple[str, str]] = upload.fields.items()
    else:
        pairs = parse_qsl(call.body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(call.body))
    return FakeRequest(form={name: value for name, value in pairs if name != _TOKEN_FIELD}, **common)


def _as_http(answer: QueuedAnswer) -> HTTPAnswer:
    if isinstance(answer, HTTPAnswer):
        return answer
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(_document(answer))
    return HTTPAnswer(status=200, headers=_JSON_HEADERS, body=body)


def _document(answer: Any) -> Any:
    """Write an answer as the platform would."""
    if isinstance(answer, Receipt):
        fields = _row(answer)
        return {"status": "1", "message": fields.pop("text"), **fields}
    if isinstance(answer, Mapping):
        return answer
    if answer is None:
        return {"status": "1", "message": []}
    rows = [answer] if isinstance(answer, Answer) else list(answer)
    return {"status": "1", "message": [_row(one) for one in rows]}


def _row(answer: Answer) -> dict[str, Any]:
    return {**answer.extra, **msgspec.to_builtins(answer)}
