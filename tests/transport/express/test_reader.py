"""One answer out of bytes, however they are cut, and everything that is no answer."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transport.tcp import answer
from wabotick_async import DecodeError, OutcomeUnknownError
from wabotick_async.redaction import redact
from wabotick_async.transport.express.reader import AnswerReader
from wabotick_async.transport.headers import harmless_headers

MOST = 2048
LOOP = asyncio.new_event_loop()
"""For the parser's parts to hold; nothing runs in it."""


@pytest.fixture(scope="module", autouse=True)
def close_the_loop() -> Iterator[None]:
    yield
    LOOP.close()


def read(*pieces: bytes, end: bool = False) -> AnswerReader:
    """Feed pieces until the matter is settled, and then the end if asked for."""
    reader = AnswerReader(LOOP, MOST)
    settled = any(reader.feed(piece) for piece in pieces)
    if end and not settled:
        reader.feed_eof()
    return reader


def body_of(reader: AnswerReader) -> bytes:
    assert reader.answer is not None
    return reader.answer.body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
# Bytes, whether the end of the connection ends them, status, body, and whether the connection may be kept.
WHOLE: dict[str, tuple[bytes, bool, int, bytes, bool]] = {
    "length": (answer(b"{}"), False, 200, b"{}", True),
    "no body": (answer(b""), False, 200, b"", True),
    "chunks": (CHUNKED, False, 200, b"{}abc", True),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", False, 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 14\r\n\r\n", False, 304, b"", True),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"{}"), False, 200, b"{}", True),
    "hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 + answer(b"{}"), False, 200, b"{}", True),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\n{}", True, 200, b"{}", False),
    "1.0 until the end": (b"HTTP/1.0 200 OK\r\n\r\n{}", True, 200, b"{}", False),
    "1.0 with a length": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", False, 200, b"{}", False),
    "1.0 kept": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", False, 200, b"{}", True),
    "close": (answer(b"{}", head=b"Connection: close\r\n"), False, 200, b"{}", False),
    "switching": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", False, 101, b"", False),
    "refused": (answer(b"no", status="413 Too Large"), False, 413, b"no", True),
    "gzip": (answer(gzip.compress(b"{}" * 9), head=b"Content-Encoding: gzip\r\n"), False, 200, b"{}" * 9, True),
    "gzip twice": (
        answer(gzip.compress(b"ab") + gzip.compress(b"cd"), head=b"Content-Encoding: GZIP\r\n"),
        False,
        200,
        b"abcd",
        True,
    ),
    "deflate": (answer(zlib.compress(b"{}"), head=b"Content-Encoding: deflate\r\n"), False, 200, b"{}", True),
    "raw deflate": (
        answer(zlib.compress(b"{}")[2:-4], head=b"Content-Encoding: deflate\r\n"),
        False,
        200,
        b"{}",
        True,
    ),
    "longest": (answer(b"x" * MOST), False, 200, b"x" * MOST, True),
}


@pytest.mark.parametrize(("data", "ended", "status", "body", "kept"), WHOLE.values(), ids=WHOLE)
def test_a_whole_answer(data: bytes, ended: bool, status: int, body: bytes, kept: bool) -> None:
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
        reader = read(*pieces, end=ended)
        assert (reader.answer and reader.answer.status, body_of(reader)) == (status, body)
        assert (reader.kept, reader.surplus, reader.failure) == (kept, False, None)


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(0, 400), max_size=12))
def test_however_an_answer_is_cut_it_reads_the_same(name: str, cuts: list[int]) -> None:
    data, ended, status, body, kept = WHOLE[name]
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    reader = read(*(data[begin:end] for begin, end in itertools.pairwise(places)), end=ended)
    assert (reader.answer and reader.answer.status, body_of(reader), reader.kept) == (status, body, kept)


@pytest.mark.parametrize("name", WHOLE)
def test_a_cut_answer_is_never_whole(name: str) -> None:
    data, ended, *_ = WHOLE[name]
    head = data.find(b"\r\n\r\n") + 4 if ended else len(data)  # without a length, any end is one
    for length in range(head):
        reader = read(data[:length], end=True)
        assert isinstance(reader.failure, OutcomeUnknownError) or reader.answer is not None, length
        assert reader.answer is None or reader.answer.status >= 400, length


UNREADABLE: dict[str, bytes] = {
    "both lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "both lengths, turned": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": answer(b"{}", head=b"Content-Length: 3\r\n"),
    "the same length twice": answer(b"{}", head=b"Content-Length: 2\r\n"),
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
    "a length below zero": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "a length with a sign": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
    "a length beyond all bounds": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{}",
    "a length further beyond": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n{}",
    "no chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a chunk too long": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    "no HTTP": b"\x16\x03\x01 garbage\r\n\r\n",
    "another HTTP": b"HTTP/9.9 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a low status": b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a high status": b"HTTP/1.1 1000 OK\r\nContent-Length: 2\r\n\r\n{}",
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000,
    "a long status line": b"HTTP/1.1 200 " + b"a" * 20_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 500,
    "many trailers": CHUNKED[:-2] + b"X: 1\r\n" * 500,
    "zero in a header": answer(b"{}", head=b"X: a\0b\r\n"),
    "broken gzip": answer(b"hello", head=b"Content-Encoding: gzip\r\n"),
    "cut gzip": answer(gzip.compress(b"{}")[:-3], head=b"Content-Encoding: gzip\r\n"),
    "cut deflate": answer(zlib.compress(b"{}")[:-3], head=b"Content-Encoding: deflate\r\n"),
    "gzip and more": answer(gzip.compress(b"{}") + b"more", head=b"Content-Encoding: gzip\r\n"),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_unknown(data: bytes) -> None:
    for pieces in ([data], [data[at : at + 7] for at in range(0, len(data), 7)]):
        reader = read(*pieces)
        assert isinstance(reader.failure, OutcomeUnknownError)
        assert (reader.answer, reader.kept) == (None, False)


@pytest.mark.parametrize("more", [answer(b"{}"), b"HTTP/1.1 200", b"H"], ids=["answer", "half", "letter"])
def test_whatever_follows_the_answer_makes_it_ambiguous(more: bytes) -> None:
    reader = read(answer(b"{}") + more)
    assert (reader.surplus, reader.kept) == (True, False)


def test_garbage_in_the_same_piece_makes_it_unknown() -> None:
    assert isinstance(read(answer(b"{}") + b"GARBAGE").failure, OutcomeUnknownError)


@pytest.mark.parametrize("coding", [None, "gzip"])
@pytest.mark.parametrize("announced", [True, False], ids=["with a length", "without"])
@pytest.mark.parametrize("status", ["200 OK", "302 Found", "500 Oops"])
def test_what_is_too_long_is_cut_off(status: str, announced: bool, coding: str | None) -> None:
    text = b"x" * (MOST + 1)
    body = gzip.compress(text) if coding else text
    data = answer(body, status=status, head=b"Content-Encoding: gzip\r\n" if coding else b"")
    if not announced:
        data = data.replace(b"Content-Length: ", b"X-Length: ")
    reader = read(data, end=True)
    assert not reader.kept
    if status == "200 OK":
        assert isinstance(reader.failure, DecodeError)
        assert reader.failure.status == 200
    else:
        assert body_of(reader) == text[:MOST]


def test_what_is_too_long_is_not_read_on() -> None:
    reader = AnswerReader(LOOP, MOST)
    assert not reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n" + b"x" * MOST)
    assert reader.feed(b"x")


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_refusal_with_a_cut_text_is_a_refusal_still(packed: bool) -> None:
    text = bytes(range(256)) * 4
    data = answer(gzip.compress(text) if packed else text, status="422 No", head=b"Content-Encoding: gzip\r\n" * packed)
    body = body_of(read(data[:-50], end=True))
    assert 0 < len(body) < len(text)
    assert text.startswith(body)


def test_an_error_ends_no_answer() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\n\r\n{}")
    reader.feed_eof(ConnectionResetError(104, "reset"))
    assert isinstance(reader.failure, OutcomeUnknownError)


def test_an_echoed_token_is_in_no_header_and_no_cause() -> None:
    token = b"12|" + b"SECRETS" * 5
    quoted = read(answer(b"{}", head=b"Location: /?apiToken=" + token + b"\r\nServer: nginx\r\n")).answer
    assert quoted is not None
    assert (quoted.headers["location"], quoted.headers["server"]) == ("/?apiToken=***", "nginx")
    failure = read(b"HTTP/1.1 " + token + b"\r\n\r\n").failure
    assert failure is not None
    assert (failure.__cause__, "SECRETS" in str(failure)) == (None, False)


_TOKENS = st.from_regex(r"\A(\d{1,4}(\||%7[Cc])[A-Za-z0-9]{20,40}|EAA\w{20,30}|https?://\w+:\w+@\w+)\Z")


@given(st.lists(st.one_of(st.text(), _TOKENS, st.just("wamid.HBgEAA"))).map("".join))
def test_a_quick_look_misses_no_secret(text: str) -> None:
    assert harmless_headers({"Location": text}) == {"location": redact(text)}
