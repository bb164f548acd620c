"""Every module that has routes, by name: importing one puts its routes into the table."""

from __future__ import annotations

from importlib import import_module

MODULES = (
    "omnibox.web.server",
    "omnibox.web.account",
    "omnibox.web.cards",
    "omnibox.web.connections",
    "omnibox.web.consents",
    "omnibox.web.conversations",
    "omnibox.web.elsewhere",
    "omnibox.web.files",
    "omnibox.web.health",
    "omnibox.web.hooks",
    "omnibox.web.live",
    "omnibox.web.metrics",
    "omnibox.web.originals",
    "omnibox.web.quarantine",
    "omnibox.web.rearrangements",
    "omnibox.web.search",
    "omnibox.web.snapshot",
    "omnibox.web.visitors",
    "omnibox.web.visitor_requests",
    "omnibox.web.team",
    "omnibox.web.static",
    "omnibox.web.withdrawals",
)


def load() -> None:
    for name in MODULES:
        import_module(name)
