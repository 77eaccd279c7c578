"""Turning a fault and the honest reply behind it into what the client gets."""

from aiohttp import web

from .faults import Fault, FaultKind
from .reply import BrokenResponse, Reply, StrayResponse, json_reply, page

_GARBAGE = "\x00\x01\x02 this is no HTTP \r\n\r\n\xff\xfe"
_BROKEN = frozenset(
    {
        FaultKind.RESET_BEFORE,
        FaultKind.RESET_AFTER_READ,
        FaultKind.RESET_AFTER,
        FaultKind.HANG_BEFORE,
        FaultKind.HANG_AFTER,
    }
)


def play(fault: Fault, reply: Reply | None) -> web.Response:
    """Return the response of a fault; `reply` is None when the request was not carried out."""
    kind = fault.kind
    if kind in _BROKEN:
        return BrokenResponse(reset="reset" in kind)
    if kind is FaultKind.GARBAGE:
        return BrokenResponse((fault.body or _GARBAGE).encode("latin-1", "replace"), reset=False)
    if reply is not None:
        if kind is FaultKind.CUT:
            return BrokenResponse(reply.raw()[: fault.after_bytes], reset=False)
        if kind is FaultKind.STRAY:
            return StrayResponse(reply, _with_body(reply, fault).raw())  # a late copy, unless the fault has its own
        if kind in (FaultKind.LATENCY, FaultKind.DUPLICATE):
            return reply.response()
    return _false_answer(fault).response()


def _false_answer(fault: Fault) -> Reply:
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    match fault.kind:
        case FaultKind.TOO_MANY_REQUESTS:
            if headers:
                headers.update({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"})
            return _with_body(json_reply({"message": "Too Many Attempts."}, 429, headers), fault)
        case FaultKind.HTML:
            return _with_body(page(fault.http_status, "One moment, please", headers), fault)
        case FaultKind.SERVER_ERROR:
            return _with_body(json_reply({"message": "Server Error"}, fault.http_status, headers), fault)
        case FaultKind.OVERSIZED:
            return Reply(200, b'{"status":"1","padding":"' + b"x" * fault.size + b'"}')
        case FaultKind.REDIRECT:
            return page(302, "Redirecting", {"Location": fault.location})
        case _:
            return Reply(200, b"", "text/html; charset=UTF-8")


def _with_body(reply: Reply, fault: Fault) -> Reply:
    return reply if fault.body is None else reply._replace(body=fault.body.encode())
