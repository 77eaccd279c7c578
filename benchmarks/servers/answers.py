"""What a server answers, by the path that was asked: each peer gets a short answer of the form that its service gives.

The answer for this client differs in the message id each time: it takes a repeated one for somebody else's answer.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["ANSWERS", "BODY", "HEAD", "STATUS_PATH", "Answer", "answer_for"]

STATUS_PATH: Final = "/benchmark-status"
"""Here the server tells how many requests it has read, and our own one also how many CPU seconds it has used."""
BODY: Final = (
    b'{"status":"success","message":"Template message sent successfully.",'
    b'"data":{"message_id":"wamid.HBgLOTE5MDAwMDAwMDAwFQIAERgSRjQ1QzBC%020dFAA=="}}'
)
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY % 0)


class Answer(msgspec.Struct, frozen=True):
    """A fixed answer."""

    prefix: str
    """Of the path."""
    status: int
    before: str
    """The JSON up to the place of a number that is another one in each answer."""
    after: str = ""
    numbered: bool = False

    def body(self, number: str) -> bytes:
        """Return the JSON with this number."""
        return (self.before + (number if self.numbered else "") + self.after).encode()


_BEFORE, _AFTER = BODY.decode().split("%020d")
ANSWERS: Final = (
    Answer("/api/v1/", 200, _BEFORE, _AFTER, numbered=True),
    Answer("/slack/", 200, '{"ok":true,"channel":"C0123456789","ts":"1700000000.000100","message":{"text":"sent"}}'),
    Answer(
        "/bot",
        200,
        '{"ok":true,"result":{"message_id":7,"date":1700000000,"chat":{"id":919000000000,"type":"private"},"text":"a"}}',
    ),
    Answer(
        "/2010-04-01/",
        201,
        '{"sid":"SM00000000000000000000000000000000","status":"queued","to":"+919000000000","error_code":null}',
    ),
    Answer(
        "/graph/",
        200,
        '{"messaging_product":"whatsapp","contacts":[{"input":"919000000000","wa_id":"919000000000"}],'
        '"messages":[{"id":"wamid.HBgLOTE5MDAwMDAwMDAwFQIAERgSRjQ1QzBC","message_status":"accepted"}]}',
    ),
)


def answer_for(path: str) -> Answer:
    """Return the answer of the service that a path belongs to."""
    return next(answer for answer in ANSWERS if path.startswith(answer.prefix))
