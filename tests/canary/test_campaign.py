"""No card number stays: forty of them through every door, then every byte that is left anywhere is searched."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests.canary import campaign
from tests.canary.cards import CARDS
from tests.canary.houses import Hub, connect, opened
from tests.canary.places import spared, text_columns, words_of_requests, written
from tests.canary.search import found, in_folder
from tests.servers import Postgres, Redis

from omnibox.store import Store

CONVERSATIONS = 6 * len(CARDS)  # chat, page, hook, mailbox, door, file
KEYS = frozenset({"secret.key"})  # random bytes

Hits = dict[str, Any]


async def run(hub: Hub, folder: Path) -> None:
    await connect(hub, campaign.FEW)
    async with campaign.watched(hub):
        await asyncio.gather(
            campaign.chat(hub),
            campaign.page(hub),
            campaign.orders(hub),
            campaign.mailbox(hub),
            campaign.past(hub, folder),
        )
        await campaign.settle(hub, CONVERSATIONS)
        await campaign.answer(hub)
        await campaign.govern(hub)
        await campaign.stumble(hub)
        await campaign.settle(hub, CONVERSATIONS)
        await campaign.look(hub)


def heard(hub: Hub) -> Hits:
    """What left by any line, what was answered, what was logged."""
    said = {f"said to {name}": bytes(tap.said) for name, tap in hub.taps.items()}
    assert all(said.values()), "a line was not used"
    mails = b"\n".join(mail.raw for mail in hub.world.house.smtp.received)
    sent = json.dumps([taken.text for taken in hub.world.graph.ledger], ensure_ascii=False).encode()
    all_of_it = said | {"logs": hub.logs, "mails": mails, "messages": sent, "answers": b"\n".join(hub.answered)}
    return {name: seen for name, content in all_of_it.items() if (seen := found(content))}


async def columns(url: str) -> tuple[Hits, set[str]]:
    """Where a canary stands in any value of the tables, and which columns of text hold masked numbers.

    In the files of a database a long value is torn over several pages.
    """
    store = Store(url)
    await store.start()
    hits: Hits = {}
    masked: set[str] = set()
    try:
        for name, column in text_columns().items():
            words = sa.select(sa.cast(column, sa.Text)).where(column.is_not(None)).distinct()
            values = await store.read(lambda tx, words=words: tx.execute(words).scalars().all())  # type: ignore[misc]
            content = "\n".join(values).encode()
            if seen := found(content):
                hits[name] = seen
            if "•••".encode() in content:
                masked.add(name)
    finally:
        await store.stop()
    return hits, masked


def dumped(server: Postgres) -> bytes:
    """The database as an operator backs it up."""
    place = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "canary"]
    return subprocess.run([str(server._programs / "pg_dump"), *place], check=True, capture_output=True).stdout


async def test_no_number_stays_in_one_process_on_sqlite(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    async with opened(home) as hub:
        await run(hub, tmp_path)
        await campaign.command(hub, "backup", str(copy))
        hits = {f"live {path.name}": found(path.read_bytes()) for path in home.glob("omnibox.db*")}
        assert "live omnibox.db-wal" in hits
        hits = {name: seen for name, seen in hits.items() if seen}
        hits |= heard(hub)
        found_in, masked = await columns(f"sqlite:///{home}/omnibox.db")
        hits |= found_in
        await hub.parts[0].stop()
    hits |= {f"stopped {path}": seen for path, seen in in_folder(home, KEYS).items()}
    hits |= {f"backup {path.name}": found(path.read_bytes()) for path in copy.iterdir() if path.is_file()}
    hits = {name: seen for name, seen in hits.items() if seen}
    copied, kept = ([*(root / "files").rglob("*")] for root in (copy, home))
    assert {path.name for path in copied} == {path.name for path in kept}  # which were searched where they lie
    assert hits == {}
    assert written() - masked == set(), "these columns have no canary: have the campaign write one there"
    missing = words_of_requests() - hub.admin.put_in - spared("requests")
    assert missing == set(), "these members of requests have no canary: have the campaign write one there"


async def test_no_number_stays_in_two_processes_on_postgresql_and_redis(
    tmp_path: Path, own_postgres: Postgres, own_redis: Redis
) -> None:
    began = time.time() - 1
    own_postgres.sql("CREATE DATABASE canary")
    async with opened(tmp_path / "home", database=own_postgres.url("canary"), redis=own_redis) as hub:
        await run(hub, tmp_path)
        hits = heard(hub)
        found_in, masked = await columns(own_postgres.url("canary"))
        hits |= found_in
    hits |= in_folder(tmp_path / "home", KEYS)
    dump = await asyncio.to_thread(dumped, own_postgres)
    assert b"COPY public.message" in dump
    own_postgres.stop("fast")
    try:
        hits |= {f"server {path}": seen for path, seen in in_folder(own_postgres._folder, since=began).items()}
        hits |= {"dump": found(dump)} if found(dump) else {}
    finally:
        own_postgres.start()
    assert hits == {}
    assert written() - masked == set(), "these columns have no canary: have the campaign write one there"
