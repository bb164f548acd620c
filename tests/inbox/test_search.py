"""Search finds what was said, by whatever part of it is remembered; the same on both databases."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inbox.desk import WORDS, Desk, open_desk

from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.connector import Deleted, File
from omnibox.inbox import search
from omnibox.inbox.intake import clean
from omnibox.inbox.search import Place
from omnibox.masking import mask
from omnibox.store import Store
from omnibox.store.migrations import migrate
from omnibox.store.search import MODES, fold, indexed_words, parse, postgres, schema
from omnibox.store.tables import message


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


async def test_what_was_deleted_is_not_shown_while_the_index_still_has_it(desk: Desk) -> None:
    stays = await desk.hear("an apple", who="ben")
    assert await desk.find("apple") == [stays]
    await desk.hear("an apple too")
    await desk.indexer.catch_up()
    await desk.happen(Deleted("m2", "shop", now()))
    assert [hit["message"] for hit in (await desk.look("apple")).hits] == [stays]


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


async def test_the_hits_are_those_of_a_naive_reading_in_its_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of every frequency, so that each way the index goes about its history is taken."""
    for name, size in {"ERA": 8, "ROWS": 5, "SELDOM": 3, "MANY": 12}.items():
        monkeypatch.setattr(postgres, name, size)
    rng = random.Random(1)
    stems = [*(f"{word}{end}" for word in WORDS for end in ("", "s", "land")), *(f"new{word}" for word in WORDS)]
    weights = [1 / (place + 1) ** 1.5 for place in range(len(stems))]
    rng.shuffle(stems)
    said: list[tuple[int, int, str]] = []
    for number in range(160):
        # Some words end in the middle of the history, some begin there.
        known = stems[: len(stems) // 2] if number < 80 else stems[len(stems) // 4 :]
        text, who = " ".join(rng.choices(known, weights[: len(known)], k=rng.randint(1, 5))), rng.randrange(60)
        said.append((await desk.hear(text, who=f"{1000 + who}"), who, text))
    phrases = [f'"{one} {other}"' for one, other in zip(stems[::8], stems[1::8], strict=False)]
    for typed in [*stems[::3], *phrases, "lph", "lan", "alpha bravo", f"{stems[0]} {stems[1]}", "zulu"]:
        for limit in (5, 25):
            assert await desk.find(typed, limit) == naive(said, typed), (typed, limit)


def naive(said: list[tuple[int, int, str]], typed: str) -> list[int]:
    """The newest message of each conversation with all the terms: as words, then as beginnings, then as parts."""
    end = r"\b" if typed.startswith('"') else ""  # a phrase is whole
    terms = [typed.strip('"')] if end else typed.split()
    found: dict[int, int] = {}
    for form in (r"\b{}\b", rf"\b{{}}{end}", "{}"):
        for number, who, text in reversed(said):
            if who not in found and all(re.search(form.format(term), text) for term in terms):
                found[who] = number
    return list(found.values())


async def test_what_moved_since_it_was_indexed_is_not_shown_where_it_was(desk: Desk) -> None:
    """Until the index knows, in neither place; no conversation is shown with words of another."""
    moved = await desk.hear("an apple", who="a")
    await desk.hear("a banana", who="b")
    await desk.indexer.catch_up()
    other = sa.select(sa.func.max(message.c.conversation_id)).scalar_subquery()
    move = sa.update(message).where(message.c.id == moved).values(conversation_id=other)
    await desk.store.write(lambda tx: tx.execute(move))
    assert (await desk.look("apple")).hits == []


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
