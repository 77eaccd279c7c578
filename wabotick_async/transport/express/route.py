"""Where a request goes, and the part of it that is the same for all requests to that path."""

from __future__ import annotations

import aiohttp
from yarl import URL

from ..headers import FORM_HEADERS

__all__ = ["Route"]


class Route:
    """A path of one of the hosts.

    Args:
        url: the whole address.
        proxy: on the way there.
        keep_alive: whether the connection is to carry other requests afterwards.

    Raises:
        ValueError: an address has a wrong form.
    """

    __slots__ = ("head", "origin", "url")

    def __init__(self, url: URL, *, proxy: URL | None, keep_alive: bool) -> None:
        self.url = url
        self.origin = url.origin()
        """Requests of the same origin share connections."""
        plain_proxy = proxy if url.scheme == "http" else None  # with TLS there is a tunnel, and nothing to say here
        fields = {"Host": url.host_port_subcomponent or "", **FORM_HEADERS}
        if plain_proxy is not None and (login := aiohttp.BasicAuth.from_url(plain_proxy)) is not None:
            fields["Proxy-Authorization"] = login.encode()
        if not keep_alive:
            fields["Connection"] = "close"
        target = str(url) if plain_proxy is not None else url.raw_path_qs
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "Content-Length: "]
        self.head = "\r\n".join(lines).encode("ascii")
        """Everything up to the value of Content-Length."""

    def __repr__(self) -> str:
        return f"Route({str(self.url)!r})"  # the head may hold a proxy's password
