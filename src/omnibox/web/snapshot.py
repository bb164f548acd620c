"""The route of the first look: everything the inbox needs to begin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec

from omnibox.events import Head, read_head
from omnibox.inbox import views
from omnibox.inbox.views import Tallies
from omnibox.store import Reader
from omnibox.team import agents, policy
from omnibox.team.policy import LEADS
from omnibox.web import models
from omnibox.web.account import agent_dict, me_dict
from omnibox.web.api import Ask, encode, route
from omnibox.web.auth import make_pass
from omnibox.web.channels import channel_dicts, connector_dicts
from omnibox.web.conversations import shaped
from omnibox.web.hub import Hub


@dataclass(frozen=True, slots=True)
class Common:
    """What is the same for everybody at one place of the log; `lists` are ready to be sent."""

    head: Head
    tallies: Tallies
    lists: dict[str, msgspec.Raw]


@route("GET", "/api/snapshot", may="read")
async def snapshot(ask: Ask) -> models.Snapshot:
    """The state as of `seq`; the feed goes on from there, with `pass` in its hello."""
    hub, agent, signed_in = ask.hub, ask.agent, ask.signed_in
    common = await hub.shared.answer("snapshot", lambda: hub.store.read(partial(_common, hub=hub)))
    members = {
        "epoch": common.head.epoch,
        "seq": common.head.seq,
        "pass": make_pass(hub, signed_in.session) if signed_in else "",
        "build": hub.feed.build,
        "version": hub.version,
        "me": me_dict(agent, hub),
        "counts": views.counts_for(agent.id, common.tallies),
        "may": {
            "settings": policy.allows(agent, "settings"),
            "agents": policy.allows(agent, "agents"),
            "resolve_any": agent.role in LEADS,
        },
    }
    return shaped(models.Snapshot, members | common.lists)


def _common(tx: Reader, hub: Hub) -> Common:
    lists = {
        "agents": [agent_dict(each, hub) for each in agents.everyone(tx)],
        "channels": channel_dicts(tx, hub),
        "connectors": connector_dicts(hub),
    }
    encoded = {name: msgspec.Raw(encode(each)) for name, each in lists.items()}
    return Common(read_head(tx), views.read_tallies(tx), encoded)
