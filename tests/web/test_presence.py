"""Who is here, over several processes: told once when it turns, and never of somebody who only moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from omnibox.bus import LocalBus
from omnibox.store import Store
from omnibox.visitors.presence import Presence
from omnibox.web.feed import Feed
from omnibox.web.hints import Hints


class Told:
    """A presence that writes down what it tells."""

    def __init__(self, grace_s: float = 0.0) -> None:
        self.turns: list[tuple[str, int]] = []
        self.presence = Presence(
            grace_s,
            came=lambda who: self.turns.append(("came", who)),
            left=lambda who: self.turns.append(("left", who)),
        )


def test_somebody_with_tabs_at_two_processes_comes_once_and_leaves_once() -> None:
    told = Told()
    here = told.presence
    here.hear_one("other", 7, is_here=True)
    assert (here.is_here(7), here.word(7), here.everybody()) == (True, "here", {7})
    here.hear("third", [7, 8])
    here.hear_one("other", 7, is_here=False)
    assert here.is_here(7)
    here.hear("third", [8])
    assert (here.is_here(7), here.word(7), here.word(9)) == (False, "left", None)
    assert told.turns == [("came", 7), ("came", 8), ("left", 7)]


async def test_a_tab_here_outlives_the_one_elsewhere() -> None:
    told = Told()
    here = told.presence
    here.opened(7)
    here.hear("other", [7])
    here.forget("other")
    assert told.turns == [("came", 7)]
    assert here.own() == [7]
    here.closed(7)
    await until(lambda: not here.is_here(7))
    assert told.turns == [("came", 7), ("left", 7)]


async def test_an_agent_who_reloads_the_page_was_never_away() -> None:
    told = Told(grace_s=60)
    told.presence.opened(7)
    told.presence.closed(7)
    assert told.presence.everybody() == {7}
    told.presence.opened(7)
    assert told.turns == [("came", 7)]


def test_a_process_that_is_gone_takes_its_people_with_it() -> None:
    told = Told()
    told.presence.hear("other", [1, 2])
    told.presence.hear("third", [2])
    told.presence.forget("other")
    assert told.turns == [("came", 1), ("came", 2), ("left", 1)]
    assert told.presence.everybody() == {2}
    told.presence.forget("third")
    assert not told.presence.everybody()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


class FlakyBus(LocalBus):
    line = True

    def is_whole(self) -> bool:
        return self.line


class Silence:
    """A feed that nobody follows."""

    agents = visitors = frozenset[int]()

    def hint(self, **hint: Any) -> None:
        pass


def process(bus: LocalBus) -> Hints:
    """One web process, as far as presence goes."""
    hints = Hints(cast("Store", None), bus, cast("Feed", Silence()), screens=Presence(0.0), visitors=Presence(0.0))
    hints.start()
    return hints


@contextmanager
def beating(hints: Hints) -> Iterator[asyncio.Task[None]]:
    task = asyncio.create_task(hints.run())
    try:
        yield task
    finally:
        task.cancel()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> FlakyBus:
    monkeypatch.setattr("omnibox.web.hints.BEAT_S", 0.02)
    monkeypatch.setattr("omnibox.web.hints.SILENT_S", 0.2)
    return FlakyBus()


async def test_processes_know_of_each_others_people(bus: FlakyBus) -> None:
    first, second = process(bus), process(bus)
    first.screens.opened(1)
    assert second.screens.is_here(1)  # told as it turns
    third = process(bus)
    assert not third.screens.is_here(1)
    with beating(first), beating(third):
        await until(lambda: third.screens.is_here(1))  # who comes later hears the whole
    first.screens.closed(1)
    await until(lambda: not second.screens.is_here(1) and not third.screens.is_here(1))
    assert not first.screens.is_here(1)


async def test_a_silent_process_is_forgotten_only_while_the_line_holds(bus: FlakyBus) -> None:
    first, second = process(bus), process(bus)
    first.visitors.opened(5)
    with beating(second):
        with beating(first):
            await until(lambda: second.visitors.is_here(5))
        bus.line = False
        beats = 0

        def beat(hint: Any) -> None:
            nonlocal beats
            beats += 1

        bus.listen("here", beat)
        await until(lambda: beats > 20)  # longer than the silence that would be its end
        assert second.visitors.is_here(5)
        bus.line = True
        await until(lambda: not second.visitors.is_here(5))
