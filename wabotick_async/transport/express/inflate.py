"""Compressed answers. The express lane asks for none, and reads them all the same, up to a bound."""

from __future__ import annotations

import zlib
from typing import Final

import aiohttp

__all__ = ["CODINGS", "inflate"]

CODINGS: Final = frozenset({"gzip", "deflate"})
_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"


def inflate(packed: bytes, coding: str, most: int) -> tuple[bytes, Exception | None]:
    """Unpack a body as far as it goes, but no further than one byte beyond a bound.

    Returns:
        The bytes, and what is wrong with the rest, if anything.
    """
    plain = bytearray()
    while packed:
        unpacker = zlib.decompressobj(_window(packed, coding))
        try:
            plain += unpacker.decompress(packed, most + 1 - len(plain))
        except zlib.error as error:
            return bytes(plain), aiohttp.ClientPayloadError(f"broken {coding}: {error}")
        if len(plain) > most:
            break
        if not unpacker.eof:
            return bytes(plain), aiohttp.ClientPayloadError(f"the {coding} stream has no end")
        packed = unpacker.unused_data
        if packed and not (coding == "gzip" and packed.startswith(_GZIP_MAGIC)):
            return bytes(plain), aiohttp.ClientPayloadError(f"something follows the {coding} stream")
    return bytes(plain), None


def _window(packed: bytes, coding: str) -> int:
    if coding == "gzip":
        return _GZIP
    # RFC 1950 begins with the method, which is 8; some servers send the raw stream of RFC 1951 instead.
    return zlib.MAX_WBITS if packed[0] & 0xF == 8 else -zlib.MAX_WBITS
