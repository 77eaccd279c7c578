"""The sandbox: the emulated platform behind a loopback HTTP server."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from .admin import PREFIX, Admin
from .contract import EndpointContract, by_path
from .dialect import Dialect
from .faults import Fault, FaultKind, Faults
from .form import Form, TooLargeError, read_form
from .ledger import Ledger
from .plan import FaultPlan
from .platform import LOGIN_PATH, Platform
from .play import play
from .quotas import Quotas
from .records import Message, Order, Subscriber, Template
from .reply import BrokenResponse, json_reply, page
from .seeds import CATALOG, GREETING, plant
from .state import State
from .throttle import Throttle
from .traffic import Traffic

TOKEN = "1|SandboxTokenSandboxTokenSandboxTokenSand"  # noqa: S105  # made up, loopback only
"""The API token that a sandbox takes unless told otherwise."""
PHONE_NUMBER_IDS = ("100000000000001", "100000000000002")
"""The sending numbers that a sandbox has unless told otherwise."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SLICE = 0.1


class Sandbox:
    """Emulate the platform, with state, faults and a ledger.

    Args:
        dialect: "vendor" or "sibling": how answers are shaped.
        faults: random faults; scripted ones come by `script`.
        quotas: what is refused for pace; `throttle.quotas` changes it later.
        ledger_path: file of JSON lines that gets each accepted send before it is answered.
        auto_window: True holds the 24-hour window open for everybody.
        subscriber_limit: how many subscribers the plan has room for.
        show_after: seconds after which a row appears in its conversation; its time stays that of the message.

    Raises:
        ValueError: for an unknown dialect or an empty list of numbers.
    """

    def __init__(
        self,
        *,
        dialect: Dialect | str = Dialect.VENDOR,
        faults: Faults | None = None,
        quotas: Quotas | None = None,
        ledger_path: Path | None = None,
        token: str = TOKEN,
        phone_number_ids: Sequence[str] = PHONE_NUMBER_IDS,
        clock: Callable[[], float] = time.time,
        seed: int = 0,
        auto_window: bool = False,
        subscriber_limit: int | None = None,
        show_after: float = 0.0,
    ) -> None:
        if not phone_number_ids:
            raise ValueError("phone_number_ids must not be empty")
        self.token = token
        self.ledger = Ledger(ledger_path, clock=clock)
        self.requests = Traffic()
        self.state = State(
            ledger=self.ledger,
            clock=clock,
            phone_number_ids=phone_number_ids,
            seed=seed,
            auto_window=auto_window,
            subscriber_limit=subscriber_limit,
            show_after=show_after,
        )
        plant(self.state)
        self.throttle = Throttle(quotas or Quotas(), clock)
        self._platform = Platform(self.state, token=token, dialect=Dialect(dialect), throttle=self.throttle)
        self._plan = FaultPlan(faults)
        self._admin = Admin(self._platform, self._plan, self.requests)
        self._clock = clock
        self._runner: web.ServerRunner | None = None
        self._closing = asyncio.Event()
        self._base_url: str | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen on a loopback address; port 0 takes a free one.

        Raises:
            ValueError: when the host is not loopback: the sandbox has no protection of its own.
            RuntimeError: when it was started before.
        """
        if host not in _LOOPBACK:
            raise ValueError(f"the sandbox listens on loopback only, not on {host}")
        if self._runner is not None:
            raise RuntimeError("a sandbox is started once")
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=1024)
        await site.start()
        bound = self._runner.addresses[0][1]
        self._base_url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"

    async def close(self) -> None:
        """Stop listening, end hanging requests, close the ledger's file; what was recorded stays readable."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
        self.ledger.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def base_url(self) -> str:
        """Return the address, such as `http://127.0.0.1:PORT`.

        Raises:
            RuntimeError: before `start`.
        """
        if self._base_url is None:
            raise RuntimeError("the sandbox was not started")
        return self._base_url

    @property
    def dialect(self) -> Dialect:
        """Return the dialect."""
        return self._platform.dialect

    @property
    def phone_number_id(self) -> str:
        """Return the first sending number."""
        return next(iter(self.state.numbers))

    @property
    def template_id(self) -> str:
        """Return the id of an approved template with the body variables `name` and `order-code`."""
        return str(GREETING)

    @property
    def oddities(self) -> Mapping[str, int]:
        """Return what was tolerated but does not follow the contract (unknown or empty fields, bad names), counted."""
        return Counter(self._platform.oddities)

    def script(self, *faults: Fault) -> None:
        """Play these faults on the next requests, in order."""
        self._plan.add(faults)

    def open_window(self, phone_number: str, *, phone_number_id: str | None = None) -> None:
        """Open the 24-hour window: the person wrote just now."""
        self.receive(phone_number, "Hello", phone_number_id=phone_number_id)

    def receive(self, phone_number: str, text: str, *, phone_number_id: str | None = None) -> Message:
        """Take in a message of a person, who becomes a subscriber."""
        return self.state.receive(phone_number_id or self.phone_number_id, phone_number, text)

    def add_subscriber(self, phone_number: str, name: str = "", *, phone_number_id: str | None = None) -> Subscriber:
        """Add a subscriber, or return the one there is."""
        return self.state.add_subscriber(phone_number_id or self.phone_number_id, phone_number, name)

    def add_template(
        self,
        name: str,
        body: str = "Hello {{1}}.",
        *,
        variables: Sequence[str] = ("name",),
        status: str = "Approved",
        locale: str = "en_US",
        header: str = "",
        buttons: Sequence[str] = (),
    ) -> Template:
        """Add a template; its `id` is what `send_template` wants."""
        number = self.state.next_id()
        template = Template(
            number,
            f"4375091{number:08d}",
            name,
            body,
            variables=tuple(variables),
            status=status,
            locale=locale,
            header=header,
            buttons=tuple(buttons),
        )
        self.state.templates[number] = template
        return template

    def add_custom_field(self, name: str, reply_type: str = "text") -> int:
        """Add a custom field and return its id."""
        number = self.state.next_id()
        self.state.custom_fields[number] = (name, reply_type)
        return number

    def add_order(self, phone_number: str, *, total: int = 1000, catalog_id: str = CATALOG) -> Order:
        """Add an order of the seeded catalog, or of another one."""
        order_id = f"1723104673{self.state.next_id():011d}"
        order = Order(order_id, catalog_id, phone_number, "John", total, self._clock())
        self.state.orders[order_id] = order
        return order

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            return await self._admin.answer(request)
        endpoint = by_path().get(request.path)
        ticket = self.requests.arrive(self._clock(), request.path if endpoint is None else endpoint.name)
        status, fault = 0, None
        try:
            if endpoint is None or request.method != "POST":
                response: web.Response = _no_endpoint(request, endpoint)
            else:
                fault, latency = self._plan.next(endpoint.name)
                await self._wait(request, latency)
                response = await self._answer(request, endpoint, fault)
            status = 0 if isinstance(response, BrokenResponse) else response.status
            return response
        finally:
            self.requests.leave(ticket, status, None if fault is None else fault.kind)

    async def _answer(self, request: web.BaseRequest, endpoint: EndpointContract, fault: Fault | None) -> web.Response:
        kind = None if fault is None else fault.kind
        if kind is FaultKind.RESET_BEFORE:
            return BrokenResponse(reset=True)
        try:
            form = await read_form(request, endpoint)
        except TooLargeError:
            return json_reply({"message": "The POST data is too large."}, 413).response()
        except (ConnectionError, web.RequestPayloadError):
            return BrokenResponse(reset=False)
        accepts_json = _accepts_json(request)
        self._look_at(request, endpoint, form)
        if fault is None:
            return self._platform.answer(endpoint, form, accepts_json=accepts_json).response()
        if kind is FaultKind.LATENCY:
            await self._wait(request, fault.seconds)
        reply = None
        if fault.reaches_platform:
            twice = kind is FaultKind.DUPLICATE
            reply = self._platform.answer(endpoint, form, accepts_json=accepts_json, twice=twice)
        if kind in (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER):
            await self._wait(request, fault.seconds or float("inf"))
        return play(fault, reply)

    def _look_at(self, request: web.BaseRequest, endpoint: EndpointContract, form: Form) -> None:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        if endpoint.takes_file and scheme == "Bearer":
            # The upload alone also takes the token from the header (contract, `upload_media`).
            form.fields.setdefault("apiToken", bearer)
        if request.query_string:
            form.problems.append("a query string: it would end in access logs")

    async def _wait(self, request: web.BaseRequest, seconds: float) -> None:
        """Wait so long, or until the sandbox closes or the client of an endless hang is gone."""
        if seconds <= 0:
            return
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while (left := deadline - now()) > 0 and not self._closing.is_set():
            if seconds == float("inf") and request.transport is None:
                return
            try:
                async with asyncio.timeout(min(left, _SLICE) if seconds == float("inf") else left):
                    await self._closing.wait()
            except TimeoutError:
                continue


def _accepts_json(request: web.BaseRequest) -> bool:
    accept = request.headers.get("Accept", "")
    return "/json" in accept or "+json" in accept


def _no_endpoint(request: web.BaseRequest, endpoint: EndpointContract | None) -> web.Response:
    if endpoint is not None:
        return page(405, "Method Not Allowed", {"Allow": "POST"}).response()
    if request.path == LOGIN_PATH and request.method == "GET":
        return page(200, "Login").response()
    return page(404, "Not Found").response()
