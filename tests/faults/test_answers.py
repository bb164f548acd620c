"""Lost, late and odd answers of those we send to: a reply ends sent or in visible doubt, never twice blindly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from email import message_from_bytes
from typing import Any

import pytest
from tests.faults.houses import at_rest, hasten, outbound, people, received, times, until
from tests.inbox.house import House

import omnibox_messenger.graph
import omnibox_messenger.pace
from omnibox.testing.world.demo import MAILBOX, PAGE
from omnibox.testing.world.graph import Fault
from omnibox.testing.world.smtp import Kind
from omnibox_email import Email

REPLIES = 2  # to each customer: the first meets the fault, the others queue up behind it

NOTHING_LEFT: Mapping[str, Mapping[str, Any]] = {
    "code 1": {"status": 500, "code": 1},
    "code 2": {"status": 500, "code": 2},
    "code 1200": {"status": 500, "code": 1200},
    "unknown code with 5xx": {"status": 500, "code": 987654},
    "503 of a gateway": {"shape": "status", "status": 503},
}
NOBODY_KNOWS: Mapping[str, Mapping[str, Any]] = {
    "5xx of a gateway": {"shape": "status", "status": 502},
    "page with 200": {"shape": "html", "status": 200},
    "page with 500": {"shape": "html", "status": 500},
    "half a JSON": {"shape": "half", "status": 200},
    "closed": {"shape": "close"},
    "silence": {"shape": "hang", "status": 504},
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Platforms are given up on within the test's life."""
    monkeypatch.setitem(omnibox_messenger.pace.RATES, "thread", 1000)
    monkeypatch.setattr(omnibox_messenger.graph, "TIMEOUT_S", 2.0)  # not so short that a busy machine meets it
    monkeypatch.setattr(Email, "timings", replace(Email.timings, after_dot_s=1.0))


@pytest.mark.usefixtures("impatient")
async def test_every_odd_answer_of_the_graph_is_classed_and_order_kept(house: House) -> None:
    graph = house.world.graph
    graph.pages[PAGE].quota.per_s = {}
    graph.sends_echoes = graph.sends_deliveries = False
    rounds = times(1, 5)
    kinds = {**NOTHING_LEFT, **NOBODY_KNOWS} | {f"{name}, taken": how for name, how in NOBODY_KNOWS.items()}
    names = [name for name in kinds for _ in range(rounds)]
    rows = await people(house, len(names) + 1)
    bystander = list(rows)[-1]
    struck = dict(zip(rows, names, strict=False))
    for psid, name in struck.items():
        graph.fail(Fault(**kinds[name], psid=psid, is_taken=name.endswith(", taken")))  # type: ignore[arg-type]
    for number in range(REPLIES):
        await asyncio.gather(*(house.reply(row["id"], f"{psid} {number}") for psid, row in rows.items()))
    await until(lambda: len(received(house, bystander)) == REPLIES)  # the others go on meanwhile
    wanted = {psid: "queued" if name in NOTHING_LEFT else "uncertain" for psid, name in struck.items()}

    async def classed() -> bool:
        states = {psid: (await outbound(house, rows[psid]["id"]))[0]["state"] for psid in struck}
        return all(states[psid] in (state, "sent") for psid, state in wanted.items())

    await house.until(classed)
    for psid, name in struck.items():
        if name not in NOTHING_LEFT:
            states = [each["state"] for each in await outbound(house, rows[psid]["id"])]
            assert states == ["uncertain", "queued"], name
    hasten(house, 61)  # now the page's own records are asked
    await at_rest(house, [row["id"] for row in rows.values()])
    for psid, name in struck.items():
        assert received(house, psid) == [f"{psid} {number}" for number in range(REPLIES)], name
        assert {each["state"] for each in await outbound(house, rows[psid]["id"])} == {"sent"}, name


async def test_a_rate_limit_rests_the_whole_page_and_burns_no_try(house: House) -> None:
    """More such answers than a reply has tries: it leaves all the same, once, and in order."""
    graph = house.world.graph
    limits = [{"code": code} for code in (4, 17, 32, 613)]
    limits += [{"shape": "status", "status": 429}, {"shape": "status", "status": 429, "headers": {"Retry-After": "7"}}]
    rows = await people(house, 2)
    psid, other = rows
    for how in limits * times(2, 6):
        graph.fail(Fault(**how))  # type: ignore[arg-type]
    calls = len(graph.asked)
    for number in range(REPLIES):
        await house.reply(rows[psid]["id"], f"mine {number}")
    await house.reply(rows[other]["id"], "theirs")
    await at_rest(house, [row["id"] for row in rows.values()])
    assert received(house, psid) == [f"mine {number}" for number in range(REPLIES)]
    assert received(house, other) == ["theirs"]
    asked = [edge for _, edge in graph.asked[calls:] if edge == "messages"]
    assert len(asked) == len(limits) * times(2, 6) + REPLIES + 1  # and nobody knocks while the page rests


@pytest.mark.usefixtures("impatient")
async def test_a_mail_whose_answer_is_lost_is_doubtful_and_copied_at_most_once(house: House) -> None:
    """The server took the mail, its answer never came. Only an agent sends it again, under the same Message-ID."""
    post = house.world.house
    kinds: tuple[Kind, ...] = ("close", "reset", "hang")
    for kind in kinds:
        customer = f"{kind}@customer.example"
        post.write(customer, MAILBOX, "Order", "Where is it?")
        row = await house.row(customer)
        post.smtp.break_at("dot", kind)
        sent = await house.reply(row["id"], "On its way")
        doubtful = await house.until_state(sent, "uncertain")
        asked = len(post.imap.commands)
        while "EXAMINE" not in post.imap.commands[asked:]:  # it is looked for among the sent mail
            hasten(house, 3_600)  # however long that lasts
            await asyncio.sleep(0.05)
        assert await house.state_of(sent) == "uncertain"
        assert len(post.sent_to(customer)) == 1
        await house.admin.ask("POST", f"/api/deliveries/{doubtful['deliveries'][0]['id']}/retry")
        await house.until_state(sent, "sent")
        first, second = (message_from_bytes(raw) for raw in post.sent_to(customer))
        assert first["Message-ID"] == second["Message-ID"]
        assert first.get_payload() == second.get_payload()
    post.keeps_sent = True  # as some providers do: a copy there settles the doubt
    row = await house.row("hang@customer.example")
    post.smtp.break_at("dot", "close")
    sent = await house.reply(row["id"], "It arrived")
    await house.until_state(sent, "uncertain")
    await at_rest(house, [row["id"]])
    assert await house.state_of(sent) == "sent"
    assert len(post.sent_to("hang@customer.example")) == 3
