"""What each of Meta's answers makes the core do, and Meta's reply window."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from omnibox.connector import ChannelDown, Echo, Rejected, SendError, Temporary, Uncertain, Window
from omnibox.testing.world.graph import Fault
from omnibox_messenger import Messenger

from .conftest import PAGE, PART, PSID, Shop


def temporary(code: str) -> SendError:
    return Temporary(code)


def rate() -> SendError:
    return Temporary("messenger.rate_limited", 60, whole_channel=True)


def unreachable() -> SendError:
    return Rejected("messenger.unreachable", unreachable=True)


PERMISSION, TOKEN = ChannelDown("messenger.permission"), ChannelDown("messenger.token_dead")
WINDOW, FREQUENCY = Rejected("messenger.window_closed"), Rejected("messenger.frequency")
MEANINGS: list[tuple[int, int | None, int, SendError]] = [
    (1, None, 500, temporary("messenger.temporary")),
    (1, 99, 500, Rejected("messenger.permission")),
    (1, 1357046, 500, Uncertain("messenger.odd_answer")),
    (2, None, 500, temporary("messenger.service_error")),
    (2, 2018344, 400, ChannelDown("messenger.terms_not_accepted")),
    (3, None, 403, PERMISSION),
    (4, None, 403, rate()),
    (4, 2018354, 400, FREQUENCY),
    (9, 2018352, 400, FREQUENCY),
    (10, None, 403, PERMISSION),
    (10, 2018278, 403, WINDOW),
    (10, 2018065, 403, WINDOW),
    (10, 2534022, 403, WINDOW),
    (10, 2018108, 400, unreachable()),
    (10, 1893063, 403, ChannelDown("messenger.restricted", resumes=False)),
    (17, None, 400, rate()),
    (32, None, 400, rate()),
    (100, None, 400, Rejected("messenger.bad_request")),
    (100, 33, 400, unreachable()),
    (100, 1893061, 400, Rejected("messenger.retired_tag")),
    (100, 2018001, 400, unreachable()),
    (100, 2018109, 400, Rejected("messenger.attachment_too_large")),
    (100, 2534015, 400, Rejected("messenger.bad_request")),
    (102, None, 401, TOKEN),
    (190, None, 401, TOKEN),
    (190, 460, 401, TOKEN),
    (190, 463, 400, TOKEN),
    (200, None, 403, PERMISSION),
    (200, 1545041, 403, unreachable()),
    (230, None, 403, PERMISSION),
    (299, None, 400, PERMISSION),
    (341, None, 400, rate()),
    (368, None, 400, ChannelDown("messenger.blocked_for_policy", resumes=False)),
    (551, None, 400, unreachable()),
    (551, 1545041, 400, unreachable()),
    (613, None, 400, rate()),
    (613, 1893016, 400, rate()),
    (80006, None, 400, rate()),
    (1200, None, 400, temporary("messenger.temporary")),
    (2018218, None, 400, unreachable()),
    (2018247, None, 400, PERMISSION),
    (9000001, None, 400, PERMISSION),
    (77777, None, 400, Rejected("messenger.refused")),
    (77777, None, 500, temporary("messenger.temporary")),
    (77777, None, 429, rate()),
    (77777, None, 200, Uncertain("messenger.odd_answer")),
    (10, 2018278, 200, WINDOW),
]


@pytest.mark.parametrize(("code", "subcode", "status", "meaning"), MEANINGS)
async def test_an_error_of_the_graph_is_the_decision_to_take(
    shop: Shop, code: int, subcode: int | None, status: int, meaning: SendError
) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.fail(Fault(status=status, code=code, subcode=subcode))
    with pytest.raises(SendError) as caught:
        await shop.messenger.send(shop.reply())
    assert (type(caught.value), vars(caught.value)) == (type(meaning), vars(meaning))
    (line,) = shop.context.log.lines
    assert f"'code': {code}" in line
    assert "AbCdEfGhIjK0123456789" in line
    assert "quotes" not in line
    assert (await shop.messenger.send(shop.reply())).external_id


BROKEN: list[tuple[Fault, type[SendError]]] = [
    (Fault("html", status=200, is_taken=True), Uncertain),
    (Fault("half", status=200, is_taken=True), Uncertain),
    (Fault("close", is_taken=True), Uncertain),
    (Fault("close"), Uncertain),
    (Fault("html", status=500), Uncertain),
    (Fault("html", status=502), Uncertain),
    (Fault("html", status=504, is_taken=True), Uncertain),
    (Fault("html", status=503), Temporary),
    (Fault("html", status=400), ChannelDown),
    (Fault("status", status=404), ChannelDown),
    (Fault("status", status=429), Temporary),
    (Fault("status", status=302), Rejected),
]


@pytest.mark.parametrize(("fault", "meaning"), BROKEN, ids=lambda value: str(getattr(value, "shape", "")))
async def test_an_answer_that_is_none_of_the_graphs(shop: Shop, fault: Fault, meaning: type[SendError]) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.fail(Fault(fault.shape, fault.status, is_taken=fault.is_taken))
    with pytest.raises(meaning):
        await shop.messenger.send(shop.reply())
    assert len(shop.graph.ledger) == fault.is_taken


async def test_an_answer_that_never_comes_is_uncertain(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibox_messenger.graph.TIMEOUT_S", 0.2)
    await shop.graph.write(PSID, "hello")
    shop.graph.fail(Fault("hang"))
    with pytest.raises(Uncertain):
        await shop.messenger.send(shop.reply())


async def test_a_send_that_was_taken_without_an_answer_is_told_by_its_echo(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.fail(Fault("close", is_taken=True))
    with pytest.raises(Uncertain):
        await shop.messenger.send(shop.reply())
    await shop.graph.settled()
    assert [item.part_id for item in shop.envelopes if isinstance(item, Echo)] == [PART]


async def test_a_graph_that_is_not_there_is_temporary(shop: Shop) -> None:
    await shop.graph.stop()
    with pytest.raises(Temporary):
        await shop.messenger.send(shop.reply())


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "99999999"}, 3600),
        (
            {
                "X-Business-Use-Case-Usage": json.dumps(
                    {PAGE: [{"type": "messenger", "estimated_time_to_regain_access": 3}]}
                )
            },
            180,
        ),
        ({"X-Business-Use-Case-Usage": "no json"}, 60),
        ({"X-Business-Use-Case-Usage": "[1, null]"}, 60),
        ({}, 60),
    ],
)
async def test_the_whole_channel_waits_as_long_as_meta_asks(shop: Shop, headers: dict[str, str], wait_s: float) -> None:
    shop.graph.fail(Fault(status=400, code=80006, headers=headers))
    with pytest.raises(Temporary) as caught:
        await shop.messenger.send(shop.reply())
    assert (caught.value.whole_channel, caught.value.retry_after) == (True, wait_s)


async def test_a_person_who_blocked_the_page_is_unreachable(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.block(PSID)
    with pytest.raises(Rejected) as caught:
        await shop.messenger.send(shop.reply())
    assert caught.value.unreachable


@pytest.mark.parametrize("psid", ["1", "7233019486120554"])
async def test_a_person_of_another_page_is_unreachable(shop: Shop, psid: str) -> None:
    shop.graph.add_page("117300425598342", "Second shop")
    shop.graph.add_person("7233019486120554", "Grace Hopper", "117300425598342")
    await shop.graph.write("7233019486120554", "hello")
    with pytest.raises(Rejected) as caught:
        await shop.messenger.send(shop.reply(address=psid))
    assert caught.value.unreachable


async def test_neither_token_nor_text_shows_in_a_log_or_an_error(shop: Shop) -> None:
    token = shop.graph.pages[PAGE].token
    shop.graph.fail(Fault(code=100, status=400))
    with pytest.raises(Rejected) as caught:
        await shop.messenger.send(shop.reply("a secret wish"))
    said = f"{shop.context.log.lines}{caught.value!r}{vars(shop.messenger)!r}{shop.reply('a secret wish')!r}"
    assert token not in said
    assert "secret wish" not in said


def outbound_modes() -> list[tuple[float, str, bool, str | None]]:
    """Hours since the person wrote, mode, whether Human Agent is approved, the code Meta's refusal has."""
    return [
        (0, "response", False, None),
        (0, "", False, None),
        (23.9, "response", False, None),
        (23.9, "update", False, None),
        (24.1, "response", False, "messenger.window_closed"),
        (24.1, "update", False, "messenger.window_closed"),
        (24.1, "human_agent", True, None),
        (24.1, "human_agent", False, "messenger.permission"),
        (7 * 24 - 0.1, "human_agent", True, None),
        (7 * 24 + 0.1, "human_agent", True, "messenger.window_closed"),
    ]


@pytest.mark.parametrize(("hours", "mode", "approved", "code"), outbound_modes())
async def test_the_reply_window_is_metas(shop: Shop, hours: float, mode: str, approved: bool, code: str | None) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.pages[PAGE].is_human_agent_approved = approved
    shop.graph.advance(hours * 3600)
    if code is None:
        await shop.messenger.send(shop.reply(mode=mode))
        assert shop.graph.ledger[0].tag == ("HUMAN_AGENT" if mode == "human_agent" else "")
    else:
        with pytest.raises(SendError, match=code):
            await shop.messenger.send(shop.reply(mode=mode))


DAY_S, MARGIN_S = 86_400, 300


@pytest.mark.parametrize("author", ["agent", "bot", "system"])
@pytest.mark.parametrize("is_approved", [False, True])
@pytest.mark.parametrize(
    ("since_s", "modes"),
    [
        (0, ("response", "response")),
        (DAY_S - MARGIN_S - 1, ("response", "response")),
        (DAY_S - MARGIN_S, ("human_agent", None)),
        (DAY_S + 1, ("human_agent", None)),
        (7 * DAY_S - MARGIN_S - 1, ("human_agent", None)),
        (7 * DAY_S - MARGIN_S, (None, None)),
    ],
)
def test_the_windows_say_who_may_answer_how(
    author: str, is_approved: bool, since_s: float, modes: tuple[str | None, str | None]
) -> None:
    person, machine = modes
    expected = person if author == "agent" and is_approved else machine
    found = allowed(Messenger.capabilities.windows, {"human_agent": is_approved}, author, since_s)
    assert found == expected


def allowed(windows: Sequence[Window], settings: Mapping[str, bool], author: str, since_s: float) -> str | None:
    """The rule of `Window` in the words of its docstring."""
    for window in windows:
        may = author in window.authors and (not window.needs or settings[window.needs])
        if may and since_s < window.until_s:
            return window.mode
    return None


def test_every_code_is_explained_and_no_other() -> None:
    sources = Path(inspect.getfile(Messenger)).parent.rglob("*.py")
    said = "".join(path.read_text() for path in sources if path.name != "explained.py")
    assert set(re.findall(r'"(messenger\.[a-z_]+)"', said)) == set(Messenger.errors)
    assert all(what.endswith(".") and cure.endswith(".") for what, cure in Messenger.errors.values())
