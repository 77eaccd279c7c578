"""`wabotick call`: any endpoint, by name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..client import WabotickClient
from ..endpoints import Encoding, Endpoint, FieldSpec, Request, registry
from ..errors import RequestInvalidError, WabotickError
from ..outcomes import Outcome
from .answers import print_json, print_lines
from .connection import AsJSON, BaseURL, PhoneNumberId, TokenFile, TotalTimeout, connect, read_text_file
from .exits import CommandError, ExitCode, exit_code_of
from .loop import run_async
from .terminal import out

__all__ = ["call"]

_PLAIN = Encoding()


def call(
    name: Annotated[str | None, typer.Argument(metavar="[ENDPOINT]", help="Left out: list the endpoints.")] = None,
    given: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FIELD=VALUE]...", help="Lists and objects as JSON, or @PATH; files as @PATH."),
    ] = None,
    *,
    as_json: AsJSON = False,
    timeout: TotalTimeout = 30.0,
    base_url: BaseURL = None,
    phone_number_id: PhoneNumberId = None,
    token_file: TokenFile = None,
) -> int:
    """Call an endpoint and print its answer.

    Secrets are read from a file (access_token=@PATH) or from standard input (access_token=-).
    """
    if name is None:
        _list_endpoints(as_json=as_json)
        return ExitCode.DONE
    if name not in registry:
        raise CommandError(f"call: no endpoint {name!r}; `wabotick call` lists them")
    endpoint = registry[name]
    request = _build(endpoint, given or ())
    answer = run_async(_send(connect(base_url, phone_number_id, token_file, timeout=timeout), request))
    if as_json:
        print_json(answer)
    else:
        print_lines(answer)
    return ExitCode.DONE


async def _send(client: WabotickClient, request: Request[Any]) -> Any:  # Any: the answer is the endpoint's
    async with client:
        try:
            return await client.send(request)
        except WabotickError as error:
            if error.outcome is not Outcome.UNKNOWN or request.endpoint.repeatable:
                raise
            doubt = "it may have been carried out, so do not repeat it blindly"
            raise CommandError(f"{error}; {doubt}", code=exit_code_of(error)) from None


def _build(endpoint: Endpoint, given: Sequence[str]) -> Request[Any]:
    specs = {spec.wire_name: spec for spec in endpoint.fields} | {spec.name: spec for spec in endpoint.fields}
    values: dict[str, Any] = {}  # Any: goes into a struct
    for pair in given:
        field, mark, text = pair.partition("=")
        if not mark:
            raise CommandError(f"call {endpoint.name}: expected field=value, got {pair!r}", *_listing(endpoint))
        if field not in specs:
            raise CommandError(f"call {endpoint.name}: no field {field!r}", *_listing(endpoint))
        spec = specs[field]
        if spec.name in values:
            raise CommandError(f"call {endpoint.name}: {spec.name}: expected it once")
        try:
            values[spec.name] = _read(spec, text)
        except ValueError as error:
            raise CommandError(f"call {endpoint.name}: {spec.name}: {error}") from None
    for info in msgspec.structs.fields(endpoint.request_type):
        if info.required and info.name not in values:
            raise CommandError(f"call {endpoint.name}: {info.name}: expected a value", *_listing(endpoint))
    try:
        request: Request[Any] = endpoint.request_type(**values)
    except RequestInvalidError as error:
        raise CommandError(f"call {endpoint.name}: {error}") from None
    return request


def _read(spec: FieldSpec, text: str) -> object:
    if spec.encoding.file:
        if not text.startswith("@"):
            raise ValueError(f"expected @ and the path of a file, got {text!r}")
        return Path(text[1:])
    if spec.secret:
        if text == "-":
            return sys.stdin.read().strip()
        if not text.startswith("@"):
            raise ValueError("expected @PATH or - for standard input: others can read the arguments of a command")
        return read_text_file(Path(text[1:]), spec.name)
    if text.startswith("@") and spec.encoding.read is not _PLAIN.read:
        text = read_text_file(Path(text[1:]), spec.name)
    return spec.encoding.read(text)


def _summary(endpoint: Endpoint) -> str:
    return (endpoint.request_type.__doc__ or "").partition("\n")[0]


def _listing(endpoint: Endpoint) -> list[str]:
    required = {info.name for info in msgspec.structs.fields(endpoint.request_type) if info.required}
    lines = [f"  {spec.name:<28} {_kind(spec)}{', required' * (spec.name in required)}" for spec in endpoint.fields]
    return [f"fields of {endpoint.name} ({_summary(endpoint)})", *lines]


def _kind(spec: FieldSpec) -> str:
    if spec.encoding.file:
        return "@PATH"
    if spec.secret:
        return "@PATH or -"
    return "text" if spec.encoding.read is _PLAIN.read else "JSON, a number, or @PATH"


def _list_endpoints(*, as_json: bool) -> None:
    if not as_json:
        for one in registry.values():
            out(f"{one.name:<26} {one.safety.value:<11} {_summary(one)}")
        return
    print_json(
        [
            {
                "name": one.name,
                "path": one.path,
                "safety": one.safety.value,
                "summary": _summary(one),
                "fields": [spec.name for spec in one.fields],
            }
            for one in registry.values()
        ]
    )
