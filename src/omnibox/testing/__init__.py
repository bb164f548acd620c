"""What tests of omnibox and of connectors stand on; loaded when used, since only `ConnectorTests` needs pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnibox.testing.context import KitContext
    from omnibox.testing.kit import ConnectorTests
    from omnibox.testing.platform import Platform, Received
    from omnibox.testing.sources import StoreDown, Taking

__all__ = ["ConnectorTests", "KitContext", "Platform", "Received", "StoreDown", "Taking"]

HOMES = {
    "ConnectorTests": "kit",
    "KitContext": "context",
    "Platform": "platform",
    "Received": "platform",
    "StoreDown": "sources",
    "Taking": "sources",
}


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
