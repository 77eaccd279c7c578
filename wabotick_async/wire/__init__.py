"""The wire, as pure functions: request to form bytes; status, header fields and bytes to answer or error."""

from .decode import decode, retry_after_of
from .encode import encode, form_fields
from .http import HTTPAnswer, HTTPRequest, Multipart
from .refusals import DEFAULT_REFUSALS, RefusalRule, RefusalTable

__all__ = [
    "DEFAULT_REFUSALS",
    "HTTPAnswer",
    "HTTPRequest",
    "Multipart",
    "RefusalRule",
    "RefusalTable",
    "decode",
    "encode",
    "form_fields",
    "retry_after_of",
]
