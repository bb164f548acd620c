"""The route of the first look: everything the inbox needs to begin."""

from __future__ import annotations

from functools import partial
from typing import Any

from omnibox.events import read_head
from omnibox.inbox import views
from omnibox.store import Reader
from omnibox.team import agents, policy
from omnibox.team.policy import LEADS
from omnibox.web import models
from omnibox.web.account import agent_dict, me_dict
from omnibox.web.api import Ask, route
from omnibox.web.auth import make_pass
from omnibox.web.channels import channel_dicts, connector_dicts
from omnibox.web.conversations import shaped


@route("GET", "/api/snapshot", may="read")
async def snapshot(ask: Ask) -> models.Snapshot:
    """The state as of `seq`; the feed goes on from there, with `pass` in its hello."""
    members = await ask.hub.store.read(partial(_snapshot, ask=ask))
    return shaped(models.Snapshot, members)


def _snapshot(tx: Reader, ask: Ask) -> dict[str, Any]:
    hub, agent = ask.hub, ask.agent
    head = read_head(tx)
    signed_in = ask.signed_in
    return {
        "epoch": head.epoch,
        "seq": head.seq,
        "pass": make_pass(hub, signed_in.session) if signed_in else "",
        "build": hub.feed.build,
        "version": hub.version,
        "me": me_dict(agent, hub),
        "agents": [agent_dict(each, hub) for each in agents.everyone(tx)],
        "channels": channel_dicts(tx, hub),
        "connectors": connector_dicts(hub),
        "counts": views.counts_of(tx, agent.id),
        "may": {
            "settings": policy.allows(agent, "settings"),
            "agents": policy.allows(agent, "agents"),
            "resolve_any": agent.role in LEADS,
        },
    }
