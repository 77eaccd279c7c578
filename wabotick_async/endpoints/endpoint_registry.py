"""The endpoint registry: every call that the client can make, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from ..errors import ConfigurationError
from .base import Request, answer_type_of, cleaned_at_once, field_specs, fields_without_none
from .description import Endpoint, Safety
from .fields import PLAIN

__all__ = ["API_PREFIX", "EndpointRegistry", "endpoint", "registry"]

API_PREFIX: Final = "/api/v1"

# Plain steps alone: dots would climb out of the API, a query would show its content in access logs.
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)+")

RequestT = TypeVar("RequestT", bound=Request[Any])


class EndpointRegistry(Mapping[str, Endpoint]):
    """Endpoints by name, in the order of their declaration."""

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}

    def endpoint(
        self,
        name: str,
        path: str,
        safety: Safety,
        *,
        alternative_paths: tuple[str, ...] = (),
        team_host: bool = False,
    ) -> Callable[[type[RequestT]], type[RequestT]]:
        """Declare the decorated request struct as an endpoint.

        Args:
            name: stable name, for journals, logs and the command line.
            path: below `/api/v1`.
            safety: decides what is tried again after an unknown outcome; UNSAFE when in doubt.
            alternative_paths: tried in turn where the server does not know the path.
            team_host: send it to the client's team host.

        Raises:
            ConfigurationError: the name is taken, or the path is no plain one that begins with a slash.
        """

        def declare(request_type: type[RequestT]) -> type[RequestT]:
            if name in self._endpoints:
                raise ConfigurationError(f"endpoint {name!r} is declared already")
            for one in (path, *alternative_paths):
                if not _PATH.fullmatch(one):
                    raise ConfigurationError(f"endpoint {name!r}: expected a plain path that begins with '/': {one!r}")
            fields = field_specs(request_type)
            request_type._cleaners = tuple((one.name, one.encoding) for one in fields if one.encoding is not PLAIN)
            request_type._cleaned_at_once = cleaned_at_once(request_type, fields)
            request_type._without_none = fields_without_none(fields)
            request_type.endpoint = self._endpoints[name] = Endpoint(
                name=name,
                path=API_PREFIX + path,
                safety=Safety(safety),
                request_type=request_type,
                answer_type=answer_type_of(request_type),
                fields=fields,
                alternative_paths=tuple(API_PREFIX + one for one in alternative_paths),
                team_host=team_host,
            )
            return request_type

        return declare

    def __getitem__(self, name: str) -> Endpoint:
        return self._endpoints[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._endpoints)

    def __len__(self) -> int:
        return len(self._endpoints)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} endpoints)"


registry: Final[EndpointRegistry] = EndpointRegistry()
"""The registry of the package: the platform's 31 endpoints, and those that you declare."""

endpoint: Final = registry.endpoint
"""Declare a request struct as an endpoint of the package's registry."""
