"""The running parts that the doors lead to, handed to the web application at its making."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from omnibox import __version__
from omnibox.blobs import Blobs
from omnibox.clock import Clock, now
from omnibox.connections import Connections
from omnibox.inbox.delivery import Delivery
from omnibox.inbox.intake import Intake
from omnibox.secrets import Secrets
from omnibox.signalling import Signalling
from omnibox.store import Store
from omnibox.team.passwords import Passwords
from omnibox.visitors.presence import Presence
from omnibox.web.feed import Feed
from omnibox.web.hints import Hints
from omnibox.web.limits import Limits
from omnibox.web.readiness import Readiness
from omnibox.web.shared import Shared
from omnibox.web.sockets import PING_S, Sockets
from omnibox.web.trouble import Trouble

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def nobody_is_online(agent_id: int) -> bool:
    return False


@dataclass(slots=True, kw_only=True)
class Hub:
    store: Store
    secrets: Secrets
    passwords: Passwords = field(default_factory=Passwords)
    clock: Clock = now
    version: str = __version__
    public_url: str = ""  # where browsers reach us, without a slash at the end; empty: wherever the request came to
    setup_code: str = ""  # printed at start while there is no owner; empty: no set-up through the browser
    trusted_proxies: tuple[Network, ...] = ()
    is_online: Callable[[int], bool] = nobody_is_online  # whether a screen of the agent is connected
    pages: Path = Path(__file__).parent.parent / "_web"  # the built inbox and widget
    checks_answers: bool = False  # every answer is held against its declared shape; for tests
    most_file_bytes: int = 25_000_000
    metrics_token: str = field(default="", repr=False)  # who may scrape; empty: programs of this machine
    limits: Limits = field(default_factory=Limits)
    sockets: Sockets = field(default_factory=Sockets)
    shared: Shared = field(default_factory=Shared)
    screens: Presence = field(default_factory=lambda: Presence(grace_s=60))
    visitors_here: Presence = field(default_factory=lambda: Presence(grace_s=15))
    # Set by the composition root: what stores, sends and tells.
    connections: Connections = field(init=False)
    intake: Intake = field(init=False)
    blobs: Blobs = field(init=False)
    delivery: Delivery = field(init=False)
    feed: Feed = field(init=False)
    hints: Hints = field(init=False)
    signalling: Signalling = field(init=False)
    readiness: Readiness = field(init=False)
    trouble: Trouble = field(init=False)

    def anybody_online(self) -> bool:
        """Whether a visitor may hope for an answer now: an agent's screen is connected, and the agent switched on."""
        return self.hints.is_anybody_on

    def welcome(self, most_text: int, **more: Any) -> dict[str, Any]:
        """The first frame of every socket; a text of its side has at most `most_text` characters."""
        return {
            "t": "welcome",
            "v": 1,
            "epoch": self.feed.head.epoch,
            "head": self.feed.position,
            "build": self.feed.build,
            "ping_s": int(PING_S),
            "limits": {"text": most_text, "file_bytes": self.most_file_bytes},
            **more,
        }


HUB = web.AppKey("hub", Hub)
