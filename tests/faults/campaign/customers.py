"""Those who write to us: visitors of a website, Messenger users, people with a mail program.

Each keeps what they said and what they received. A visitor says again, with the same id, what was not acknowledged;
Meta posts again; a mail lies in the mailbox until it is fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any, Protocol

import aiohttp
from tests.faults.campaign.books import Piece, Said, file_content, file_word, mark_of, word_in, words_of
from tests.faults.campaign.hub import LOST

from omnibox.testing.world.demo import MAILBOX, PAGE, World
from omnibox.testing.world.graph import Media
from omnibox.testing.world.visitor import Visitor

AGAIN_S = 0.05
OCTETS = "application/octet-stream"


class Customer(Protocol):
    """Whoever writes and receives, on any channel."""

    @property
    def said(self) -> list[Said]: ...

    async def say(self, mark: str, *, files: int = 0) -> None: ...

    def received(self) -> Iterable[Piece]: ...


class ChatCustomer:
    """One visitor with one tab, which comes back with its token, its cursor and what it showed."""

    def __init__(self, world: World, base: str) -> None:
        self._world, self._base = world, base
        self._tab: Visitor | None = None
        self._token, self._epoch = "", ""
        self._cursor: int | None = None
        self._messages: dict[int, dict[str, Any]] = {}
        self.said: list[Said] = []
        self.heard: Callable[[str], None] = lambda what: None  # told of each acknowledgement

    async def say(self, mark: str, *, files: int = 0) -> None:
        """Say it until it is acknowledged."""
        client_id, words = secrets.token_hex(8), tuple(file_word(mark, number) for number in range(files))
        uploads: list[str] = []
        while True:
            with contextlib.suppress(*LOST):
                tab = await self._open()
                while len(uploads) < files:
                    uploads.append(await self._upload(words[len(uploads)]))
                answer = await tab.say(f"{mark} hello", tuple(uploads), client_id)
                if answer["t"] == "ack":
                    self.heard("chat acknowledged")
                    self.said.append(Said("chat", mark, words))
                    return
                assert not answer["final"], answer["code"]
            await self._close_if_lost()
            await asyncio.sleep(AGAIN_S)

    async def come_back(self) -> None:
        """Be there until the tab has been welcomed."""
        while True:
            with contextlib.suppress(*LOST):
                await self._open()
                return
            await self._close_if_lost()
            await asyncio.sleep(AGAIN_S)

    async def _open(self) -> Visitor:
        if self._tab is not None and self._tab.is_open:
            return self._tab
        await self.leave()
        tab = Visitor(self._base, self._world.desk.site, self._world.desk.base, self._token)
        tab.epoch, tab.cursor, tab.messages = self._epoch, self._cursor, self._messages
        try:
            await tab.__aenter__()
        finally:
            self._keep(tab)
        self._tab = tab
        return tab

    def _keep(self, tab: Visitor) -> None:
        self._token, self._epoch, self._cursor, self._messages = tab.token, tab.epoch, tab.cursor, tab.messages

    async def _upload(self, word: str) -> str:
        form = aiohttp.FormData()
        form.add_field("file", file_content(word), filename=f"{word}.bin", content_type=OCTETS)
        headers = {"Origin": self._world.desk.base, "Authorization": f"Bearer {self._token}"}
        url = f"{self._base}/w/files?site={self._world.desk.site}"
        async with (
            asyncio.timeout(10),
            aiohttp.ClientSession(headers=headers) as http,
            http.post(url, data=form) as answer,
        ):
            if answer.status != 201:
                raise ConnectionError(answer.status)
            return str((await answer.json())["id"])

    async def _close_if_lost(self) -> None:
        if self._tab is not None and not self._tab.is_open:
            await self.leave()

    async def leave(self) -> None:
        """Close the tab; what it knows stays."""
        tab, self._tab = self._tab, None
        if tab is not None:
            self._keep(tab)
            await tab.__aexit__(None, None, None)

    def received(self) -> Iterable[Piece]:
        messages = self._tab.messages if self._tab is not None else self._messages
        for message_id in sorted(messages):
            message = messages[message_id]
            if message["kind"] == "outbound":
                mark = mark_of(message["text"])
                files = [each["name"].removesuffix(".bin") for each in message["attachments"]]
                yield Piece("chat", mark, (*words_of(message["text"], mark), *files), str(message_id))


class MessengerCustomer:
    """One person on Messenger. What Meta posted is acknowledged once its hook has settled."""

    def __init__(self, world: World, psid: str) -> None:
        self._world, self.psid = world, psid
        self._mids: dict[str, Said] = {}
        world.graph.add_person(psid, f"Person {psid}", PAGE)

    async def say(self, mark: str, *, files: int = 0) -> None:
        words = tuple(file_word(mark, number) for number in range(files))
        media = [Media(f"{word}.bin", OCTETS, file_content(word)) for word in words]
        mid = await self._world.graph.write(self.psid, f"{mark} hello", media)
        self._mids[mid] = Said("messenger", mark, words)

    @property
    def said(self) -> list[Said]:
        """Acknowledged is what Meta's call was answered 200 for."""
        messages = [event.element.get("message", {}) for event in self._world.graph.hooks.taken]
        taken = {message.get("mid") for message in messages}
        return [replace(said, is_acknowledged=mid in taken) for mid, said in self._mids.items()]

    async def read(self) -> None:
        await self._world.graph.read(self.psid)

    def received(self) -> Iterable[Piece]:
        for taken in self._world.graph.received(self.psid):
            words = tuple(word_in(file.content) for file in taken.files)
            mark = mark_of(taken.text) if taken.text else words[0]
            mark = mark.partition(".")[0]
            yield Piece("messenger", mark, (*words_of(taken.text, mark), *words), taken.metadata)


class MailCustomer:
    """One person with a mail program, who answers in the thread, or begins a new one."""

    def __init__(self, world: World, address: str) -> None:
        self._world, self.address = world, address
        self._thread = ""
        self.said: list[Said] = []

    async def say(self, mark: str, *, files: int = 0, anew: bool = False) -> None:
        words = tuple(file_word(mark, number) for number in range(files))
        if anew:
            self._thread = ""
        headers = [("In-Reply-To", self._thread), ("References", self._thread)] if self._thread else []
        raw = self._world.house.write(
            self.address,
            MAILBOX,
            "Re: Order" if self._thread else "Order",
            f"{mark} hello",
            headers=headers,
            files=[(f"{word}.bin", OCTETS, file_content(word)) for word in words],
        )
        self._thread = self._thread or str(message_from_bytes(raw, policy=policy.default)["Message-ID"])
        self.said.append(Said("mail", mark, words))

    def received(self) -> Iterable[Piece]:
        for raw in self._world.house.sent_to(self.address):
            mail = message_from_bytes(raw, policy=policy.default)
            part = mail.get_body(("plain",))
            text = str(part.get_content()) if part is not None else ""
            mark = mark_of(text)
            files = tuple(word_in(bytes(each.get_content())) for each in mail.iter_attachments())
            yield Piece("mail", mark, (*words_of(text, mark), *files), str(mail["Message-ID"]))
