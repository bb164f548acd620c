"""Everybody of one run: customers on three channels, and agents who answer, resolve, reopen and decide."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from tests.faults.campaign.books import Books, Channel, Piece, Reply, Said, file_content, file_word, long_text
from tests.faults.campaign.customers import ChatCustomer, Customer, MailCustomer, MessengerCustomer
from tests.faults.campaign.hub import Hub
from tests.faults.campaign.inbox import Desk, LiveView, Refused

from omnibox.testing.world.demo import World

PER_CHANNEL = 3
AGENTS = 3
GAP_S = {"chat": 0.2, "messenger": 0.15, "mail": 0.2, "agent": 0.1}
DECIDE_S = 1.0
LONG_WORDS = 260  # on Messenger two texts


class People:
    """`name` sets them apart from others on the same hub; `seed` decides who says what; `each` channel has so many."""

    def __init__(
        self,
        name: str,
        seed: str,
        hub: Hub,
        world: World,
        *,
        live: LiveView,
        desk: Desk,
        each: int = PER_CHANNEL,
    ) -> None:
        self._seed, self.name = seed, name
        self._numbers: Counter[str] = Counter()
        self.desk, self.live = desk, live
        self.replies: dict[str, Reply] = {}
        self.left: set[int] = set()  # deliveries that stay uncertain, because the agent wants it so
        self.is_over = False
        self._first = max(live.rows, default=0) + 1  # conversations before belong to others
        self.chat = [ChatCustomer(world, hub.base) for _ in range(each)]
        self.messenger = [MessengerCustomer(world, f"{name}70{number}") for number in range(each)]
        self.mail = [MailCustomer(world, f"{name}.{number}@customer.example") for number in range(each)]

    def listen(self, heard: Callable[[str], None]) -> None:
        """Tell of each acknowledgement that a visitor hears."""
        for visitor in self.chat:
            visitor.heard = heard

    def flows(self) -> list[Coroutine[Any, Any, None]]:
        """What goes on until `is_over`; a sentence that was begun is said to its end."""
        talking = [self._chat(each) for each in self.chat] + [self._messenger(), self._mail()]
        return [*talking, *(self._agent(number) for number in range(AGENTS)), self._decide_in_time()]

    def mark(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}-{self.name}-{self._numbers[kind]}"

    # ── Customers

    async def _chat(self, customer: ChatCustomer) -> None:
        chance = random.Random(f"{self._seed} chat {self.chat.index(customer)}")
        while not self.is_over:
            await customer.say(self.mark("chat"), files=int(chance.random() < 0.1))
            await asyncio.sleep(chance.uniform(0, 2 * GAP_S["chat"]))

    async def _messenger(self) -> None:
        chance = random.Random(f"{self._seed} messenger")
        while not self.is_over:
            customer, files = chance.choice(self.messenger), chance.random() < 0.1
            await customer.say(self.mark("messenger"), files=int(files))
            if chance.random() < 0.1:
                await customer.read()
            await asyncio.sleep(chance.uniform(0, 2 * GAP_S["messenger"]))

    async def _mail(self) -> None:
        chance = random.Random(f"{self._seed} mail")
        while not self.is_over:
            customer, files = chance.choice(self.mail), chance.random() < 0.1
            await customer.say(self.mark("mail"), files=int(files), anew=chance.random() < 0.1)
            await asyncio.sleep(chance.uniform(0, 2 * GAP_S["mail"]))

    # ── The agent

    async def _agent(self, number: int) -> None:
        chance = random.Random(f"{self._seed} agent {number}")
        while not self.is_over:
            await asyncio.sleep(chance.uniform(0, 2 * GAP_S["agent"]))
            rows = sorted(self.live.rows)
            what, pick = chance.random(), chance.random()
            if not rows:
                continue
            row = self.live.rows[rows[int(pick * len(rows))]]
            if what < 0.08:
                await self.desk.ask("POST", f"/api/conversations/{row['id']}/resolve")
            elif what < 0.12:
                await self.desk.ask("POST", f"/api/conversations/{row['id']}/reopen")
            else:
                await self.answer(row, is_long=what < 0.25, files=int(what < 0.3) + int(what < 0.15))

    async def answer(self, row: dict[str, Any], *, is_long: bool = False, files: int = 0) -> Reply:
        """Say it until the API has taken it; a click that is made again has the same id."""
        mark, channel = self.mark("reply"), self.desk.channels[row["channel"]]
        text = long_text(mark, LONG_WORDS if is_long else 3)
        in_files = [file_word(mark, number) for number in range(files)]
        words = [*in_files, *text.split()] if channel == "messenger" else [*text.split(), *in_files]
        uploads = [await self.desk.upload(f"{word}.bin", file_content(word)) for word in in_files]
        body = {"client_id": secrets.token_hex(8), "text": text, "files": uploads}
        reply = Reply(channel, mark, tuple(words))
        await self.desk.ask("POST", f"/api/conversations/{row['id']}/replies", body)
        self.replies[mark] = reply
        return reply

    async def _decide_in_time(self) -> None:
        chance = random.Random(f"{self._seed} decisions")
        while not self.is_over:
            await asyncio.sleep(DECIDE_S)
            await self.decide(chance)

    async def decide(self, chance: random.Random, *, is_end: bool = False) -> None:
        """Look into what is uncertain. Mail that stays so is sent again, given up, or left for now. Some agents send it
        again without a look: it is the hub that must look then. What cannot be known yet is decided later.

        Elsewhere evidence may yet come, so nothing is sent again; but a thread that has moved on, or a file, may leave
        it unknown for ever. At the end it is given up too, or left for good where nothing waits behind it.
        """
        for message, delivery in list(self.live.deliveries("uncertain")):
            reply = self.replies.get(message["text"].split()[0])
            if reply is None or delivery["id"] in self.left:
                continue  # its click has not been answered yet, or there is nothing to decide
            wish, is_mail = chance.random(), reply.channel == "mail"
            if is_mail and chance.random() < 0.3:
                await self._press("retry", delivery["id"], reply)
                continue
            if await self._look_into(delivery["id"]) != "uncertain":
                continue
            if is_mail and wish < 0.4:
                await self._press("retry", delivery["id"], reply)
            elif wish < 0.7 and (is_mail or is_end):
                await self._press("dismiss", delivery["id"], reply)
            elif is_end and not self._is_waited_for(message["conversation"]):
                self.left.add(delivery["id"])

    async def _look_into(self, delivery_id: int) -> str:
        """Ask for evidence; returns the state of the part then."""
        try:
            asked = (await self.desk.ask("POST", f"/api/deliveries/{delivery_id}/check")).body
        except Refused as error:
            if error.status != 409:
                raise
            return "away"  # or settled by an echo, while the platform was being asked
        return str(next(each["state"] for each in asked["deliveries"] if each["id"] == delivery_id))

    def _is_waited_for(self, conversation: int) -> bool:
        return any(message["conversation"] == conversation for message, _ in self.live.deliveries("queued"))

    async def _press(self, button: str, delivery_id: int, reply: Reply) -> None:
        """A press whose answer was lost may have had its effect, and is counted."""
        try:
            presses = (await self.desk.ask("POST", f"/api/deliveries/{delivery_id}/{button}")).tries
        except Refused as error:  # settled meanwhile, perhaps by the press before, or it cannot be known yet
            presses = error.tries - 1
        if button == "retry":
            reply.resent += presses
        else:
            reply.given_up += presses

    # ── The books

    async def come_back(self) -> None:
        """Every visitor opens the page again who lost it: in a sweep the hub may die as late as now."""
        for customer in self.chat:
            await customer.come_back()

    def customers(self) -> list[Customer]:
        return [*self.chat, *self.messenger, *self.mail]

    def said(self) -> list[Said]:
        return [said for each in self.customers() for said in each.said]

    def received(self) -> list[Piece]:
        pieces = [piece for each in self.customers() for piece in each.received()]
        return [piece for piece in pieces if piece.mark.split("-")[1:2] == [self.name]]

    async def books(self, evidence: frozenset[Channel]) -> Books:
        """The books of this run, from a fresh look through every door."""
        books = Books(self.said(), self.replies, received=self.received(), evidence=evidence)
        ids = [row["id"] for row in await self.desk.conversations() if row["id"] >= self._first]
        for conversation in ids:
            for message in await self.desk.messages(conversation):
                if f"-{self.name}-" not in message["text"]:
                    continue
                books.inbox[message["id"]] = self.desk.shown(message)
                if message["kind"] == "inbound":
                    books.contents[message["id"]] = await self.desk.words_in_files(message)
        for message_id, message in self.live.messages.items():
            if f"-{self.name}-" in message["text"]:
                books.live[message_id] = self.desk.shown(message)
        books.announced = Counter({one: self.live.announced[one] for one in books.live})
        return books
