"""A store with one channel and its search index: what is said there, and what is found of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.connector import AddressKind, Capabilities, Inbound
from omnibox.inbox import search
from omnibox.inbox.indexing import Indexer, make_indexer
from omnibox.inbox.intake import Intake
from omnibox.inbox.origin import Origin
from omnibox.inbox.search import Page, Place
from omnibox.inbox.views import Sight
from omnibox.masking import mask
from omnibox.secrets import Secrets
from omnibox.store import Store, Transaction
from omnibox.store.search import index_of, parse
from omnibox.store.tables import channel, connection

WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo"]
BEGAN = now() - timedelta(days=1)


@dataclass(slots=True)
class Desk:
    """A store with one channel, what comes in by it, and what is found in it."""

    store: Store
    intake: Intake
    origin: Origin
    indexer: Indexer
    count: int = 0
    names: dict[int, str] = field(default_factory=dict)

    async def hear(self, text: str, who: str = "ana", **more: Any) -> int:
        """A message from a customer; its id."""
        self.count += 1
        key = f"m{self.count}"
        at = BEGAN + timedelta(seconds=self.count)
        said = Inbound(key, who, "shop", at, external_id=key, text=text, **more)
        (result,) = await self.intake.receive(self.origin, [said])
        assert result.message_id is not None
        return result.message_id

    async def happen(self, *envelopes: Any) -> None:
        await self.intake.receive(self.origin, envelopes)

    async def look(self, typed: str, place: Place | None = None, limit: int = 25) -> Page:
        """One page, as the index stands."""
        find = partial(
            search.find,
            index=index_of(self.store.is_embedded),
            query=parse(typed),
            sight=Sight(lambda _: None, now()),
            place=place or Place("word"),
            limit=limit,
        )
        return await self.store.read(find)

    async def hits(self, typed: str, limit: int = 25) -> list[dict[str, Any]]:
        """All hits of all pages, with the index up to date."""
        await self.indexer.catch_up()
        found: list[dict[str, Any]] = []
        place: Place | None = Place("word")
        while place is not None:
            page = await self.look(typed, place, limit)
            assert len(page.hits) <= limit
            found += page.hits
            place = page.following
        return found

    async def find(self, typed: str, limit: int = 25) -> list[int]:
        """The messages found, in order."""
        return [hit["message"] for hit in await self.hits(typed, limit)]


async def open_desk(store: Store, bus: LocalBus, folder: Path) -> Desk:
    def connect(tx: Transaction) -> tuple[int, int]:
        state = {"name": mask("Shop"), "settings": "", "state": "active", "created_at": tx.clock()}
        row = {"connector": "toy", "hook_key": "toy", "rev": 0} | state
        made = tx.execute(sa.insert(connection).returning(connection.c.id), row).scalar_one()
        row = {"connection_id": made, "address": "shop", "key": "toy"} | state
        return made, tx.execute(sa.insert(channel).returning(channel.c.id), row).scalar_one()

    made, shop = (await store.write(connect)).result
    intake = Intake(store, Folder(folder / "files"), Secrets.load(folder, {}))
    origin = Origin(made, Capabilities(address=AddressKind("toy")), {"shop": shop}, lambda token: None)
    return Desk(store, intake, origin, make_indexer(store, bus))
