"""Answers of the platform, as frozen structs."""

from .base import Acknowledgement, Answer, JSONText, Page, Receipt, Response, Rows
from .catalog import Catalog, Order
from .conversations import ConversationRow
from .messages import BroadcastReceipt, MessageStatus, SendReceipt, UploadedMedia
from .subscribers import CustomField, Label, Subscriber
from .templates import Postback, Template

__all__ = [
    "Acknowledgement",
    "Answer",
    "BroadcastReceipt",
    "Catalog",
    "ConversationRow",
    "CustomField",
    "JSONText",
    "Label",
    "MessageStatus",
    "Order",
    "Page",
    "Postback",
    "Receipt",
    "Response",
    "Rows",
    "SendReceipt",
    "Subscriber",
    "Template",
    "UploadedMedia",
]
