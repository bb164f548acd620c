"""What agents and visitors see of each other before it is a message: who types, and who is here. Told to every process.

Each process tells its own sockets. Typing goes over the bus as ids, and the name that a visitor reads is looked up
where the visitor is. Who is here goes over it as it turns, and as a whole every few seconds, which also is the sign of
life: a process that was not heard of for a while has taken its people with it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from omnibox.bus import Bus, Hint
from omnibox.inbox import conversations
from omnibox.store import Store, StoreUnavailable
from omnibox.team import agents
from omnibox.visitors.presence import Presence
from omnibox.web.feed import Feed

BEAT_S = 3.0
SILENT_S = 12.0  # then a process is taken for dead


@dataclass(slots=True)
class Hints:
    """`screens` are the agents' presence, `visitors` that of people on websites.

    Visitors may hope for an answer while an agent is here, in any process, and not switched off. `tell_visitors()` is
    called when that turns.
    """

    store: Store
    bus: Bus
    feed: Feed
    screens: Presence
    visitors: Presence
    tell_visitors: Callable[[], None] = lambda: None
    is_anybody_on: bool = False
    _asked: int = 0
    _is_looking: bool = False
    _me: str = field(default_factory=lambda: secrets.token_hex(8))
    _heard_at: dict[str, float] = field(default_factory=dict)
    _line_since: float = 0.0
    _looking: set[asyncio.Task[None]] = field(default_factory=set)

    def start(self) -> None:
        """From now on what is told is heard."""
        self.bus.listen("typing", self._typing)
        self.bus.listen("here", self._hear_all)
        self.bus.listen("turned", self._hear_one)
        self.bus.listen("switched", lambda _: self._look_who_is_on())
        self.screens.came = partial(self._tell_agent, is_online=True)
        self.screens.left = partial(self._tell_agent, is_online=False)
        self.screens.turned = partial(self._turned, "screens")
        self.visitors.came = lambda who: self._soon(self._tell_visitor(who, "here"))
        self.visitors.left = lambda who: self._soon(self._tell_visitor(who, "left"))
        self.visitors.turned = partial(self._turned, "visitors")

    async def run(self) -> None:
        """Tell the other processes who is here, and forget those that have ended, for ever."""
        while True:
            self.bus.tell("here", {"from": self._me, "screens": self.screens.own(), "visitors": self.visitors.own()})
            self._forget_the_silent()
            await asyncio.sleep(BEAT_S)

    async def stop(self) -> None:
        for task in self._looking:
            task.cancel()
        if self._looking:
            await asyncio.wait(self._looking)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    # ── Typing

    def agent_types(self, conversation_id: int, agent_id: int, visitor_id: int | None) -> None:
        """An agent types; `visitor_id` is the identity of the contact, if there is one to see it."""
        self.bus.tell("typing", {"conversation": conversation_id, "by": agent_id, "visitor": visitor_id})

    def contact_types(self, conversation_id: int) -> None:
        self.bus.tell("typing", {"conversation": conversation_id, "by": "contact", "visitor": None})

    def _typing(self, hint: Hint) -> None:
        self.feed.hint(kind="typing", conversation=hint["conversation"], by=hint["by"])
        if hint["visitor"] in self.feed.visitors:
            self._soon(self._show_typing(hint["visitor"], hint["by"]))

    async def _show_typing(self, visitor_id: int, agent_id: int) -> None:
        with suppress(StoreUnavailable):
            agent = await self.store.read(partial(agents.find, agent_id=agent_id))
            if agent is not None:
                self.feed.hint_visitor(visitor_id, kind="typing", name=str(agent.name))

    # ── Who is here

    def _tell_agent(self, agent_id: int, *, is_online: bool) -> None:
        self.feed.hint(kind="presence", agent=agent_id, is_online=is_online)
        self._look_who_is_on()

    def switched(self) -> None:
        """An agent turned the switch that hides them from visitors, or shows them."""
        self.bus.tell("switched", {})

    def _look_who_is_on(self) -> None:
        self._asked += 1
        if not self._is_looking:
            self._is_looking = True
            self._soon(self._find_who_is_on())

    async def _find_who_is_on(self) -> None:
        """One look for all who came or left since the last one."""
        looked = 0
        try:
            while looked != self._asked:
                looked, here = self._asked, self.screens.everybody()
                try:
                    is_anybody_on = bool(here) and await self.store.read(partial(agents.is_any_on, ids=here))
                except StoreUnavailable:
                    self._asked += 1
                    await asyncio.sleep(BEAT_S)
                    continue
                if is_anybody_on != self.is_anybody_on:
                    self.is_anybody_on = is_anybody_on
                    self.tell_visitors()
        finally:
            self._is_looking = False

    async def _tell_visitor(self, identity_id: int, word: str) -> None:
        """Tell the agents, where the visitor has a conversation."""
        if not self.feed.agents:
            return
        with suppress(StoreUnavailable):
            conversation_id = await self.store.read(partial(conversations.latest_of, identity_id=identity_id))
            if conversation_id is not None:
                self.feed.hint(kind="visitor", conversation=conversation_id, presence=word)

    def _turned(self, kind: str, who: int, *, is_here: bool) -> None:
        self.bus.tell("turned", {"from": self._me, "kind": kind, "who": who, "is_here": is_here})

    def _hear_one(self, hint: Hint) -> None:
        if hint["from"] != self._me:
            presence = self.screens if hint["kind"] == "screens" else self.visitors
            presence.hear_one(hint["from"], hint["who"], is_here=hint["is_here"])
            self._heard_at[hint["from"]] = asyncio.get_running_loop().time()

    def _hear_all(self, hint: Hint) -> None:
        if hint["from"] != self._me:
            self.screens.hear(hint["from"], hint["screens"])
            self.visitors.hear(hint["from"], hint["visitors"])
            self._heard_at[hint["from"]] = asyncio.get_running_loop().time()

    def _forget_the_silent(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self.bus.is_whole():
            self._line_since = now + BEAT_S  # nobody can be heard; that says nothing about them
            return
        for process, heard_at in list(self._heard_at.items()):
            if now - max(heard_at, self._line_since) > SILENT_S:
                del self._heard_at[process]
                self.screens.forget(process)
                self.visitors.forget(process)
