"""A part in doubt never leaves again before the channel's own records were asked, whatever stands in the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.faults.houses import Row, hasten, people, received
from tests.inbox.house import House

from omnibox.testing.world.demo import CUSTOMER, MAILBOX
from omnibox.testing.world.graph import Fault
from omnibox.testing.world.mail import MailHouse
from omnibox_email import Email

A_MINUTE = 61  # and a bit: then the records of a channel are believed
INSIST = "?anyway=true"


@pytest.fixture
async def leo(house: House, monkeypatch: pytest.MonkeyPatch) -> Row:
    """A conversation by mail. The provider keeps copies of what is sent, and its lines are given up on soon."""
    monkeypatch.setattr(Email, "timings", replace(Email.timings, after_dot_s=1.0, command_s=5.0, connect_s=5.0))
    post(house).keeps_sent = True
    post(house).write(CUSTOMER, MAILBOX, "Order", "Where is it?")
    return await house.row(CUSTOMER)


def post(house: House) -> MailHouse:
    return house.world.house


def copies(house: House) -> int:
    """How often the customer has it."""
    return len(post(house).sent_to(CUSTOMER))


async def doubted(house: House, row: Row, text: str = "On its way", *, is_taken: bool = True) -> Row:
    """A reply whose answer was lost, and which the server had taken or not."""
    post(house).smtp.break_at("dot", "close", keeps=is_taken)
    return await house.until_state(await house.reply(row["id"], text), "uncertain")


async def press(house: House, message: Row, button: str) -> tuple[int, str]:
    """Status and code of what an agent is answered."""
    delivery = message["deliveries"][0]["id"]
    async with house.admin.http.post(f"/api/deliveries/{delivery}/{button}") as answer:
        body = await answer.json()
    return answer.status, body["error"]["code"] if answer.status >= 400 else body["state"]


async def test_send_again_looks_first_and_ends_as_sent(house: House, leo: Row) -> None:
    """No check before: the agent believes that it did not arrive."""
    doubt = await doubted(house, leo)
    assert await press(house, doubt, "retry") == (200, "sent")
    assert copies(house) == 1


async def test_what_cannot_be_looked_into_now_does_not_leave_again(house: House, leo: Row) -> None:
    """The mailbox is away for a moment while the agent decides: run 2028.3 of the campaign, where it left twice."""
    doubt = await doubted(house, leo)
    for button in ("check", "retry"):
        post(house).imap.kill_at(1)
        assert await press(house, doubt, button) == (409, "evidence_away")
    assert await house.state_of(doubt) == "uncertain"
    assert await press(house, doubt, "retry") == (200, "sent")
    assert copies(house) == 1


async def test_a_look_that_the_server_refuses_is_no_answer(house: House, leo: Row) -> None:
    doubt = await doubted(house, leo)
    post(house).imap.says["UID SEARCH"] = "NO [SERVERBUG] not now"
    assert await press(house, doubt, "retry") == (409, "evidence_away")
    post(house).imap.says.clear()
    assert await press(house, doubt, "retry") == (200, "sent")
    assert copies(house) == 1


async def test_a_copy_that_is_filed_late_is_waited_for(house: House, leo: Row) -> None:
    """Some providers file what was submitted seconds after they took it."""
    post(house).keeps_sent = False
    doubt = await doubted(house, leo)
    assert await press(house, doubt, "check") == (200, "uncertain")
    assert await press(house, doubt, "retry") == (409, "evidence_early")
    (raw,) = post(house).sent_to(CUSTOMER)
    post(house).imap.folder(MAILBOX, "Sent").put(raw, flags=["\\Seen"])
    assert await press(house, doubt, "retry") == (200, "sent")
    assert copies(house) == 1


async def test_without_a_copy_it_leaves_again_after_a_minute(house: House, leo: Row) -> None:
    doubt = await doubted(house, leo, is_taken=False)
    hasten(house, A_MINUTE)
    assert (await press(house, doubt, "retry"))[0] == 200
    await house.until_state(doubt, "sent")
    assert copies(house) == 1


@pytest.mark.parametrize("reason", ["evidence_away", "evidence_early"])
async def test_an_agent_may_insist(house: House, leo: Row, reason: str) -> None:
    post(house).keeps_sent = False
    doubt = await doubted(house, leo)
    if reason == "evidence_away":
        post(house).imap.says["UID SEARCH"] = "NO [SERVERBUG] not now"
    assert await press(house, doubt, "retry") == (409, reason)
    assert (await press(house, doubt, f"retry{INSIST}"))[0] == 200
    await house.until_state(doubt, "sent")
    assert copies(house) == 2


async def test_who_insists_still_does_not_double_what_is_known_to_have_left(house: House, leo: Row) -> None:
    doubt = await doubted(house, leo)
    assert await press(house, doubt, f"retry{INSIST}") == (200, "sent")
    assert copies(house) == 1


async def test_a_press_made_again_decides_nothing_about_the_next_doubt(house: House, leo: Row) -> None:
    """Its answer was lost with the hub; meanwhile the part has left, and is in doubt again."""
    doubt = await doubted(house, leo, is_taken=False)
    hasten(house, A_MINUTE)
    post(house).keeps_sent = False
    post(house).smtp.break_at("dot", "close")
    assert (await press(house, doubt, "retry"))[0] == 200
    await house.until(lambda: _has_tried_again(house, doubt))
    assert await press(house, doubt, "retry") == (409, "evidence_early")
    assert copies(house) == 1


async def _has_tried_again(house: House, message: Row) -> bool:
    return copies(house) == 1 and await house.state_of(message) == "uncertain"


async def test_of_two_agents_who_press_at_once_one_is_heard(house: House, leo: Row) -> None:
    doubt = await doubted(house, leo, is_taken=False)
    hasten(house, A_MINUTE)
    answers = await asyncio.gather(*(press(house, doubt, "retry") for _ in range(2)))
    await house.until_state(doubt, "sent")
    assert sorted(status for status, _ in answers) in ([200, 200], [200, 409])
    assert copies(house) == 1


async def test_what_an_agent_gave_up_is_looked_for_before_it_leaves_after_all(house: House, leo: Row) -> None:
    doubt = await doubted(house, leo)
    assert await press(house, doubt, "dismiss") == (200, "failed")
    assert await press(house, doubt, "retry") == (200, "sent")
    assert copies(house) == 1


async def test_the_job_goes_on_while_the_mailbox_is_away(house: House, leo: Row) -> None:
    """More looks than are made where a mailbox answers and shows nothing."""
    doubt = await doubted(house, leo)
    post(house).imap.says["UID SEARCH"] = "NO [SERVERBUG] not now"
    await house.until(lambda: _has_looked(house, times=7))
    assert await house.state_of(doubt) == "uncertain"
    post(house).imap.says.clear()
    await house.until(lambda: _is_settled(house, doubt))
    assert await house.state_of(doubt) == "sent"
    assert copies(house) == 1


async def _has_looked(house: House, times: int) -> bool:
    hasten(house, 900)
    return await house.hub.store.read(_looks) >= times


async def _is_settled(house: House, message: Row) -> bool:
    hasten(house, 900)
    return await house.state_of(message) != "uncertain"


async def test_a_page_that_shows_nothing_yet_is_not_believed_for_a_minute(house: House) -> None:
    """Meta took it and lists it later: nothing leaves again by itself meanwhile."""
    graph = house.world.graph
    graph.sends_echoes = graph.sends_deliveries = False
    ((psid, row),) = (await people(house, 1)).items()
    graph.fail(Fault("close"))
    doubt = await house.until_state(await house.reply(row["id"], "On its way"), "uncertain")
    assert await press(house, doubt, "check") == (200, "uncertain")
    hasten(house, A_MINUTE)
    await house.until_state(doubt, "sent")
    assert received(house, psid) == ["On its way"]


def _looks(tx: Any) -> int:
    import sqlalchemy as sa

    from omnibox.store.tables import job

    return int(tx.execute(sa.select(job.c.attempts).where(job.c.kind == "evidence")).scalar() or 0)
