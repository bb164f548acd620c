"""The door of the search: what it answers, page by page, and what it refuses."""

from __future__ import annotations

import logging
from urllib.parse import quote

import pytest
from tests.web.house import Browser, House

from omnibox.bus import LocalBus
from omnibox.inbox.indexing import make_indexer

CARD = "4111 1111 1111 1111"


@pytest.fixture
async def agent(house: House) -> Browser:
    """An agent, with the index up to date."""
    browser = await house.browser("agent")
    for who, text in (("own agent", "Refund for Müller sent"), ("colleague", f"they wrote {CARD}")):
        body = {"client_id": f"note {who}", "text": text}
        assert (await browser.post(f"/api/conversations/{house.ids[who]}/notes", body)).status == 201
    await make_indexer(house.store, LocalBus()).catch_up()
    return browser


async def test_an_agent_finds_conversations_by_what_was_said(house: House, agent: Browser) -> None:
    found = (await agent.get("/api/search?q=refund+muller")).json
    (hit,) = found["hits"]
    assert hit["conversation"]["id"] == house.ids["own agent"]
    assert (hit["kind"], hit["where"], hit["match"]) == ("note", "text", "word")
    assert hit["author"] == {"kind": "agent", "id": house.ids["agent"], "name": None}
    assert [piece["text"] for piece in hit["excerpt"] if piece["is_match"]] == ["Refund", "Müller"]
    assert found["is_complete"]


async def test_pages_follow_each_other_until_the_end(agent: Browser) -> None:
    seen: list[int] = []
    address = "/api/search?q=hello&limit=2"
    page = (await agent.get(address)).json
    while page["next"]:
        assert len(page["hits"]) <= 2
        seen += [hit["conversation"]["id"] for hit in page["hits"]]
        page = (await agent.get(f"{address}&after={page['next']}")).json
    seen += [hit["conversation"]["id"] for hit in page["hits"]]
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    "query", ["", "q=x&after=nonsense", "q=x&after=word-x", "q=x&after=words-1", "q=x&limit=0", f"q={'x' * 501}"]
)
async def test_a_request_that_makes_no_sense_is_refused(agent: Browser, query: str) -> None:
    answer = await agent.get(f"/api/search?{query}")
    assert (answer.status, answer.code) == (422, "invalid")


async def test_a_card_number_finds_what_is_masked_and_stands_in_no_log(
    house: House, agent: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = (await agent.get(f"/api/search?q={quote(CARD)}")).json
    assert [hit["conversation"]["id"] for hit in found["hits"]] == [house.ids["colleague"]]
    refused = await agent.get(f"/api/search?q={quote(CARD)}&limit=0")
    said = f"{caplog.text} {caplog.records} {refused.body!r} {found}"
    assert CARD not in said
    assert quote(CARD) not in said
