"""The express lane: connections opened by aiohttp and driven by ourselves."""

from .pool import ExpressPool

__all__ = ["ExpressPool"]
