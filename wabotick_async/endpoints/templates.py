"""Requests about templates."""

from __future__ import annotations

from ..models import Rows, Template
from .base import NumberRequest
from .description import Safety
from .endpoint_registry import endpoint

__all__ = ["ListTemplates"]


@endpoint(
    "list_templates",
    "/whatsapp/template/list",
    Safety.SAFE,
    alternative_paths=("/whatsapp/get/template/list",),
)
class ListTemplates(NumberRequest[Rows[Template]], frozen=True, kw_only=True):
    """List the templates of a sending number."""
