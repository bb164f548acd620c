"""Search finds what was said, by whatever part of it is remembered; the same on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.connector import AddressKind, Capabilities, Deleted, Edited, File, Inbound, Profile
from omnibox.inbox import contacts, indexing, search
from omnibox.inbox.indexing import Indexer, make_indexer, start_anew
from omnibox.inbox.intake import Intake, clean
from omnibox.inbox.origin import Origin
from omnibox.inbox.search import Page, Place
from omnibox.inbox.views import Sight
from omnibox.masking import mask
from omnibox.secrets import Secrets
from omnibox.store import Store, Transaction
from omnibox.store.migrations import migrate
from omnibox.store.search import MODES, fold, index_of, indexed_words, parse, schema
from omnibox.store.tables import channel, connection, message

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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/omnibox.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def desk(url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    await migrate(url)
    bus = LocalBus()
    store = Store(url, ring=bus.ring)
    await store.start()
    yield await open_desk(store, bus, tmp_path)
    await store.stop()


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


def excerpt_of(hit: dict[str, Any]) -> str:
    return "".join(f"[{piece['text']}]" if piece["is_match"] else piece["text"] for piece in hit["excerpt"])


# ── What is found


FOUND = [
    ("Where is my refund?", "refund"),
    ("Where is my refund?", "REFUND my"),
    ("Where are my refunds?", "refun"),
    ("Ich heiße Müller", "muller"),
    ("Ich heisse Muller", "müller"),
    ("Die Straße ist lang", "strasse"),
    ("Die Strasse ist lang", "Straße"),
    ("Žluťoučký kůň", "zlutoucky kun"),
    ("smørrebrød og æbler", "smorrebrod aebler"),
    ("Πού είναι η παραγγελία", "ΠΑΡΑΓΓΕΛΙΑ που"),
    ("Где мой заказ", "заказ ГДЕ"),
    ("私の注文はどこですか", "注文"),
    ("私の注文はどこですか", "注"),
    ("私の注文はどこですか", "文はどこ"),
    ("東京都は大きい", "東京都"),
    ("我的订单在哪里", "订单 哪里"),
    ("สวัสดีครับ", "วัสดี"),
    ("주문은 어디에 있나요", "주문"),
    ("order INV-2026/17 is late", "inv-2026/17"),
    ("order INV-2026/17 is late", "2026"),
    ("write to ana.b@shop.example please", "ana.b@shop.example"),
    ("the parcel is unbelievable", "believ"),
    ("Donaudampfschifffahrt", "dampfschiff"),
    ("quick brown fox", '"brown fox"'),
    ("quick brown fox", '"quick bro'),
    ("one\n\ntwo", '"one two"'),
    ("a b c", "b"),
    ("My card is 4111 1111 1111 1111, please", "1111"),
    ("My card is 4111 1111 1111 1111, please", "4111-1111-1111-1111"),
]
NOT_FOUND = ["orange", '"fox brown"', "quick orange", "ick", "q", "qu", "4111", "", '"', "!!!", "*"]
OTHER_LANGUAGES = ['abc" OR "x', "NEAR(a b)", "a AND NOT b", "words:x", "a' | 'b", "x:*", "%%%", "___", "word " * 2000]


async def test_a_message_is_found_by_what_is_remembered_of_it(desk: Desk) -> None:
    said = {text: await desk.hear(text, who=text) for text in dict(FOUND)}
    missed = [(text, typed) for text, typed in FOUND if said[text] not in await desk.find(typed)]
    assert missed == []


async def test_a_message_is_not_found_by_anything_else(desk: Desk) -> None:
    """Neither by parts that are too short, nor by what a database would understand as an order."""
    await desk.hear("The brown fox, 4111 1111 1111 1111", who="quentin")
    assert {typed: found for typed in [*NOT_FOUND, *OTHER_LANGUAGES] if (found := await desk.find(typed))} == {}


async def test_words_come_before_beginnings_and_those_before_parts_each_the_newest_first(desk: Desk) -> None:
    first = await desk.hear("the order", who="a")
    begun = await desk.hear("ordered", who="d")
    inside = await desk.hear("reordered", who="b")
    last = await desk.hear("another order", who="c")
    hits = await desk.hits("order")
    assert [hit["message"] for hit in hits] == [last, first, begun, inside]
    assert [hit["match"] for hit in hits] == ["word", "word", "beginning", "part"]


async def test_a_conversation_stands_once_by_its_newest_hit_over_all_pages(desk: Desk) -> None:
    newest: dict[int, int] = {}
    for number in range(60):
        text = "an apple" if number % 3 else "a pineapple"
        sent = await desk.hear(text, who=f"customer {number % 7}")
        if number % 3:
            newest[number % 7] = sent
    for limit in (1, 3, 25):
        assert await desk.find("apple", limit) == sorted(newest.values(), reverse=True)


async def test_name_address_subject_file_and_note_are_found(desk: Desk) -> None:
    picture = File(name="Rechnung März.png", content_type="image/png", content=b"x")
    number = await desk.hear(
        "Hello", who="+34 600 111 222", name="Anaïs Müller", subject="Lost parcel", files=(picture,)
    )
    for typed, where in [
        ("anais muller", "contact"),
        ("+34 600 111", "contact"),
        ("lost parcel", "subject"),
        ("marz", "file"),
        ("anais hello parcel rechnung", "file"),
    ]:
        (hit,) = await desk.hits(typed)
        assert (hit["message"], hit["where"]) == (number, where) or typed.startswith("anais hello"), typed


async def test_the_excerpt_shows_the_place_with_the_words_marked(desk: Desk) -> None:
    await desk.hear("Lorem ipsum " * 30 + "die Straße in Köln ist gesperrt, " + "dolor sit amet " * 30)
    (hit,) = await desk.hits("strasse koln")
    shown = excerpt_of(hit)
    assert "die [Straße] in [Köln] ist gesperrt" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 220


async def test_the_mark_is_on_the_word_after_letters_that_fold_to_more_or_fewer(desk: Desk) -> None:
    await desk.hear("ﬃ ß ǅ e\u0301 😀 İ 日本 Ziel")
    assert excerpt_of((await desk.hits("ziel"))[0]).endswith(" [Ziel]")
    assert "[日本]" in excerpt_of((await desk.hits("日本"))[0])


async def test_no_card_number_reaches_the_index_whatever_digits_it_is_written_in(desk: Desk) -> None:
    for number in ("4111111111111111", "④①①①①①①①①①①①①①①①", "４１１１１１１１１１１１１１１１"):
        await desk.hear(f"card {number}")
    await desk.indexer.catch_up()
    rows = await desk.store.read(lambda tx: tx.execute(sa.select(schema.document.c.text)).scalars().all())
    assert len(rows) == 3
    assert not any("4111" in row for row in rows)


# ── Keeping up


async def test_edits_deletions_and_names_reach_the_index(desk: Desk) -> None:
    number = await desk.hear("an apple")
    assert await desk.find("apple") == [number]
    await desk.happen(Edited("m1", "shop", now(), revision=1, text="a banana"))
    assert (await desk.find("apple"), await desk.find("banana")) == ([], [number])
    await desk.happen(Profile("ana", "shop", name="Zenobia"))
    assert await desk.find("zenobia banana") == [number]
    contact_id = (await desk.hits("banana"))[0]["conversation"]["contact"]["id"]
    await desk.store.write(lambda tx: contacts.edit(tx, contact_id, contacts.Change(name="Quirina")))
    assert (await desk.find("zenobia"), await desk.find("quirina")) == ([], [number])
    await desk.happen(Deleted("m1", "shop", now()))
    assert (await desk.find("banana"), await desk.find("quirina")) == ([], [])


async def test_a_new_name_reaches_more_messages_than_one_chunk_holds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHUNK", 4)
    numbers = [await desk.hear(word) for word in WORDS]
    await desk.indexer.catch_up()
    await desk.happen(Profile("ana", "shop", name="Zenobia"))
    await desk.hear("after", who="ben")
    for word, number in zip(WORDS, numbers, strict=True):
        assert await desk.find(f"zenobia {word}") == [number]
    assert len(await desk.find("after")) == 1


async def test_history_from_before_the_index_is_filled_in_newest_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHUNK", 4)
    numbers = [await desk.hear("an apple", who=f"c{number}") for number in range(10)]
    await desk.indexer.step()
    await desk.indexer.step()
    page = await desk.look("apple")
    assert [hit["message"] for hit in page.hits] == numbers[:5:-1]
    assert not page.is_complete
    assert await desk.find("apple") == numbers[::-1]
    assert (await desk.look("apple")).is_complete


async def test_the_index_is_made_anew_when_told_and_after_another_version(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await desk.hear("an apple")
    assert await desk.find("apple") == [number]

    def change(tx: Transaction) -> None:  # as a later rule of masking would
        tx.execute(sa.update(message).values(text=mask("a banana")))
        start_anew(tx)

    await desk.store.write(change)
    assert (await desk.find("apple"), await desk.find("banana")) == ([], [number])
    await desk.store.write(lambda tx: tx.execute(sa.update(message).values(text=mask("a cherry"))))
    monkeypatch.setattr(indexing, "VERSION", 99)
    assert (await desk.find("banana"), await desk.find("cherry")) == ([], [number])


async def test_two_indexers_at_once_miss_and_double_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of one may meet one of the other, and messages come and change meanwhile."""
    monkeypatch.setattr(indexing, "CHUNK", 3)
    other = make_indexer(desk.store, LocalBus())

    async def write() -> None:
        for number in range(40):
            await desk.hear(f"apple {number}", who=f"c{number}")
            if number % 4 == 0:
                await desk.happen(Edited(f"m{number + 1}", "shop", now(), revision=1, text="banana"))

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        for indexer in (desk.indexer, other):
            group.create_task(follow_until(indexer, writing))
    assert len(await desk.find("apple")) == 30
    assert len(await desk.find("banana")) == 10


async def follow_until(indexer: Indexer, ended: asyncio.Task[None]) -> None:
    while not ended.done():
        await indexer.step()


async def test_a_step_that_was_not_written_is_taken_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before its commit, a step leaves cursor and documents as they were."""
    number = await desk.hear("an apple")
    await desk.indexer.step()

    def dies(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(type(desk.indexer.index), "put", dies)
        with pytest.raises(RuntimeError):
            await desk.indexer.step()
    assert (await desk.look("apple")).hits == []
    assert await desk.find("apple") == [number]


async def test_a_running_indexer_follows_by_itself(desk: Desk) -> None:
    running = asyncio.create_task(desk.indexer.run())
    number = await desk.hear("an apple")
    try:
        async with asyncio.timeout(30):
            while not (page := await desk.look("apple")).hits:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
    assert page.hits[0]["message"] == number


# ── What databases do


async def test_the_same_search_again_and_again_gives_the_same(desk: Desk) -> None:
    """From the sixth time on PostgreSQL may plan a prepared statement without looking at its values."""
    numbers = [await desk.hear(f"apple {number}", who=f"c{number}") for number in range(30)]
    await desk.indexer.catch_up()
    for _ in range(12):
        assert [hit["message"] for hit in (await desk.look("apple")).hits] == numbers[:4:-1]
        assert [hit["message"] for hit in (await desk.look("pple")).hits] == numbers[:4:-1]


async def test_a_page_that_takes_too_long_ends_and_the_next_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BUDGET_S", -1)
    numbers = [await desk.hear("an apple", who=f"c{number}") for number in range(10)]
    assert await desk.find("apple", 3) == numbers[::-1]
    assert await desk.find("pple", 3) == numbers[::-1]


async def test_without_the_extension_postgresql_finds_words_and_beginnings(postgres_url: str, tmp_path: Path) -> None:
    await migrate(postgres_url)
    store = Store(postgres_url)
    await store.start()
    await store.write(lambda tx: tx.connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE"))
    await store.write(lambda tx: tx.connection.exec_driver_sql(schema.WORDS_ONLY))
    desk = await open_desk(store, LocalBus(), tmp_path)
    number = await desk.hear("an apple")
    assert (await desk.find("appl"), await desk.find("pple")) == ([number], [])
    await store.stop()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(typed=st.text(max_size=60) | st.text(alphabet="\"'*()^:-+&|!<>~#¶\\%_ aAb1éß東", max_size=40))
async def test_nothing_that_is_typed_is_an_error(desk: Desk, typed: str) -> None:
    if not desk.count:
        await desk.hear("a \" b ' 100% under_score #1 ¶1 東京")
        await desk.indexer.catch_up()
    for mode in MODES:
        await desk.look(typed, Place(mode))


@given(words=st.lists(st.text(min_size=1, max_size=12).filter(str.strip), max_size=6))
@settings(max_examples=100, deadline=None)
def test_what_was_said_is_cut_and_folded_as_what_is_typed(words: list[str]) -> None:
    said = clean(" ".join(words)).replace('"', " ")
    cut = set(indexed_words(fold(mask(said))))
    assert {word for term in parse(said).terms for word in term.words} <= cut
