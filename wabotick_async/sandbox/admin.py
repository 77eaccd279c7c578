"""The back door for other processes: `/_sandbox/...`, never counted, never faulty."""

from collections import Counter
from collections.abc import Callable

import msgspec
from aiohttp import web

from .contract import Body
from .faults import Fault
from .plan import FaultPlan
from .platform import Platform
from .quotas import Quotas
from .throttle import SCOPES
from .traffic import Traffic

PREFIX = "/_sandbox/"


class _Person(msgspec.Struct):
    phone_number: str
    phone_number_id: str | None = None
    text: str = "Hello"


class Admin:
    """Serve the ledger, the state and the script over HTTP."""

    def __init__(self, platform: Platform, plan: FaultPlan, traffic: Traffic) -> None:
        self._platform = platform
        self._plan = plan
        self._traffic = traffic
        self._calls: dict[tuple[str, str], Callable[[web.BaseRequest, bytes], object]] = {
            ("GET", "ledger"): self._ledger,
            ("GET", "state"): self._state,
            ("GET", "requests"): self._requests,
            ("GET", "quotas"): self._quotas,
            ("POST", "quotas"): self._quotas,
            ("POST", "faults"): self._faults,
            ("POST", "open-window"): self._receive,
            ("POST", "receive"): self._receive,
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer an admin request with JSON; 404 for an unknown one, 400 for a malformed body."""
        call = self._calls.get((request.method, request.path.removeprefix(PREFIX)))
        if call is None:
            return _json({"error": "unknown admin call"}, 404)
        try:
            return _json(call(request, await request.read()))
        except (msgspec.MsgspecError, ValueError, KeyError) as problem:
            return _json({"error": str(problem)}, 400)

    def _ledger(self, request: web.BaseRequest, _: bytes) -> object:
        ledger = self._platform.state.ledger
        repeated = [
            {"phone_number": phone, "digest": digest, "count": count}
            for (phone, digest), count in ledger.repeated().items()
        ]
        summary: Body = {
            "total": ledger.total(),
            "recipients": len(ledger.per_recipient()),
            "endpoints": Counter(entry.endpoint for entry in ledger.entries),
            "repeated": repeated,
            "worst_second": ledger.worst_second(),
            "pace": self._pace(),
        }
        return summary if request.query.get("entries") == "0" else {**summary, "entries": ledger.entries}

    def _pace(self) -> Body:
        throttle = self._platform.throttle
        numbers = {number_id: throttle.worst_second(number_id) for number_id in self._platform.state.numbers}
        return {
            "refused": {scope: throttle.refused[scope] for scope in SCOPES},
            "worst_second": {"account": throttle.worst_second(), "numbers": numbers},
        }

    def _quotas(self, request: web.BaseRequest, body: bytes) -> object:
        throttle = self._platform.throttle
        if request.method == "POST":
            throttle.quotas = msgspec.json.decode(body, type=Quotas)
        return throttle.quotas

    def _state(self, _request: web.BaseRequest, _: bytes) -> object:
        state = self._platform.state
        return {
            "dialect": self._platform.dialect,
            "phone_number_ids": list(state.numbers),
            "connected": state.connected,
            "templates": list(state.templates.values()),
            "subscribers": list(state.subscribers.values()),
            "labels": state.labels,
            "sequences": state.sequences,
            "catalogs": list(state.catalogs.values()),
            "orders": list(state.orders.values()),
            "uploads": list(state.uploads.values()),
            "oddities": self._platform.oddities,
            "faults_waiting": self._plan.waiting,
        }

    def _requests(self, _request: web.BaseRequest, _: bytes) -> object:
        return {
            "total": len(self._traffic),
            "statuses": self._traffic.statuses(),
            "faults": self._traffic.faults(),
            "worst_second": self._traffic.worst_second(),
            "most_open": self._traffic.most_open,
        }

    def _faults(self, _: web.BaseRequest, body: bytes) -> object:
        given = msgspec.json.decode(body, type=Fault | list[Fault])
        self._plan.add(given if isinstance(given, list) else [given])
        return {"faults_waiting": self._plan.waiting}

    def _receive(self, _: web.BaseRequest, body: bytes) -> object:
        person = msgspec.json.decode(body, type=_Person)
        state = self._platform.state
        number_id = person.phone_number_id or next(iter(state.numbers))
        if number_id not in state.numbers:
            raise ValueError(f"unknown phone_number_id {number_id}")
        return {"message_id": state.receive(number_id, person.phone_number, person.text).message_id}


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
