"""The groups of methods that hang on the client."""

from .groups import Accounts, CatalogGroup, Flows, Labels, Messages, Subscribers, Templates
from .method import Resource, Sender, method
from .paging import walk

__all__ = [
    "Accounts",
    "CatalogGroup",
    "Flows",
    "Labels",
    "Messages",
    "Resource",
    "Sender",
    "Subscribers",
    "Templates",
    "method",
    "walk",
]
