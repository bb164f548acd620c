"""Lists show what a naive reading of the table shows, in pages, and read no more than they show; on both databases."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import EllipsisType
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from omnibox.clock import now
from omnibox.inbox import conversations, views
from omnibox.inbox.views import Sight
from omnibox.masking import mask
from omnibox.store import Reader, Store, Transaction
from omnibox.store import tables as t
from omnibox.store.migrations import migrate

AT = now()
CHANNELS = 19  # more than one statement merges
AGENTS = 2
STATES = ("open", "open", "resolved", "merged")
FILTERS = [("open", ...), ("open", None), ("open", 1), ("open", 2), ("open", 3), ("resolved", ...)]
LIST = views.list_rows


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    channel_id: int
    state: str
    assignee_id: int | None
    minute: int  # of the last word; many share one


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    await migrate(url)
    store = Store(url)
    await store.start()
    yield store
    await store.stop()


def rows_of(seed: int, count: int) -> list[Row]:
    """Conversations of a house: a few busy channels, some with nothing, times that collide."""
    rng = random.Random(seed)
    return [
        Row(
            id=number,
            channel_id=min(int(rng.expovariate(0.2)) + 1, CHANNELS),
            state=rng.choice(STATES),
            assignee_id=rng.choice((None, 1, 2)),
            minute=rng.randrange(count // 3),
        )
        for number in range(1, count + 1)
    ]


def put(tx: Transaction, rows: list[Row]) -> None:
    made = {"created_at": AT}
    state = made | {"name": mask("Shop"), "settings": "", "state": "active"}
    row = {"id": 1, "connector": "toy", "hook_key": "toy", "rev": 0}
    tx.execute(sa.insert(t.connection), row | state)
    tx.execute(
        sa.insert(t.channel),
        [{"id": n, "connection_id": 1, "address": f"{n}", "key": f"{n}"} | state for n in range(1, CHANNELS + 1)],
    )
    agents = [{"id": n, "name": mask("Ana"), "email": f"{n}", "role": "agent"} | made for n in range(1, AGENTS + 1)]
    tx.execute(sa.insert(t.agent), agents)
    tx.execute(sa.insert(t.contact), {"id": 1, "rev": 0} | made)
    tx.execute(sa.insert(t.identity), {"id": 1, "contact_id": 1, "kind": "toy", "scope": "", "address": "a"} | made)
    whose = {"contact_id": 1, "identity_id": 1, "opened_at": AT}
    tx.execute(
        sa.insert(t.conversation),
        [
            whose
            | {"id": row.id, "channel_id": row.channel_id, "state": row.state, "assignee_id": row.assignee_id}
            | {"last_at": AT + timedelta(minutes=row.minute)}
            for row in rows
        ],
    )


def naive(rows: list[Row], state: str, assignee: int | EllipsisType | None, channel: int | None) -> list[int]:
    """The table, sorted and filtered by whoever reads it whole."""
    newest_first = sorted(rows, key=lambda row: (row.minute, row.id), reverse=True)
    return [
        row.id
        for row in newest_first
        if row.state == state
        and (assignee is ... or row.assignee_id == assignee)
        and (channel is None or row.channel_id == channel)
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_each_list_shows_what_a_naive_reading_shows(store: Store, seed: int) -> None:
    """All pages of each view, of all channels and of one, whatever the size of the page."""
    rows = rows_of(seed, 400)
    await store.write(partial(put, rows=rows))

    def pages(tx: Reader, limit: int, **what: Any) -> list[list[int]]:
        found: list[list[int]] = []
        place = None
        while place is not None or not found:
            page, place = LIST(tx, Sight(lambda _: None, AT), before=place, limit=limit, **what)
            found.append([row["id"] for row in page])
        return found

    for (state, assignee), channel, limit in itertools.product(FILTERS, (None, 1, 4, CHANNELS, 999), (7, 50)):
        what: dict[str, Any] = {"state": state, "assignee": assignee, "channel_id": channel}
        found = await store.read(partial(pages, limit=limit, **what))
        expected = naive(rows, state, assignee, channel)
        assert [*itertools.chain(*found)] == expected, what
        assert all(len(page) == limit for page in found[:-1]), what


@pytest.mark.parametrize("channel", [None, 1, CHANNELS])
@pytest.mark.parametrize("goes_on", [False, True])
async def test_no_list_reads_more_than_it_shows(store: Store, channel: int | None, goes_on: bool) -> None:
    """Of each channel at most a page is read, from one range of an index: whatever has another agent or state is not
    even looked at. What a list leaves out may be a million rows."""
    limit = 5
    await store.write(partial(put, rows=rows_of(1, 2000)))
    await store.write(settle)
    place = (AT + timedelta(minutes=300), 1) if goes_on else None
    for state, assignee in FILTERS:
        what: dict[str, Any] = {"state": state, "assignee": assignee, "channel_id": channel, "before": place}
        for plan in await store.read(
            partial(plans_of, look=partial(LIST, sight=Sight(lambda _: None, AT), limit=limit, **what))
        ):
            if store.is_embedded:
                assert_ranges(plan, assignee, goes_on=goes_on)
            else:
                assert_few_rows(plan, limit + 1)


def settle(tx: Transaction) -> None:
    if tx.connection.dialect.name == "postgresql":
        tx.connection.exec_driver_sql("ANALYZE")


def plans_of(tx: sa.Connection, look: Callable[[sa.Connection], object]) -> list[str]:
    """How the database goes about the statements over conversations that `look` runs."""
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "FROM conversation" in statement and not statement.startswith("EXPLAIN"):
            asked.append((statement, parameters))

    sa.event.listen(tx, "before_cursor_execute", note)
    look(tx)
    sa.event.remove(tx, "before_cursor_execute", note)
    if tx.dialect.name == "sqlite":
        explained = [tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values) for text, values in asked]
        return ["\n".join(row.detail for row in plan) for plan in explained]
    tx.exec_driver_sql("SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)")
    form = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)"
    return ["\n".join(tx.exec_driver_sql(f"{form} {text}", values).scalars()) for text, values in asked]


def assert_ranges(plan: str, assignee: int | EllipsisType | None, *, goes_on: bool) -> None:
    after = " AND last_at<?" if goes_on else ""
    wanted = {
        f"INDEX ix_conversation_nobody (state=? AND channel_id=?{after})": assignee is ... or assignee is None,
        f"INDEX ix_conversation_somebody (state=? AND channel_id=?{after})": assignee is ...,
        f"INDEX ix_conversation_agent (state=? AND assignee_id=? AND channel_id=?{after})": isinstance(assignee, int),
    }
    read = [line for line in plan.splitlines() if " conversation USING " in line and "rowid=?" not in line]
    ranges = {line.partition(" USING ")[2].removeprefix("COVERING ") for line in read}
    assert ranges == {index for index, is_wanted in wanted.items() if is_wanted}, plan


def assert_few_rows(plan: str, most: int) -> None:
    assert "Removed" not in plan, plan
    read = [int(rows) for rows in re.findall(r"Scan .* on \w+ .*\(actual rows=(\d+) ", plan)]
    assert read
    assert max(read) <= most, plan


@given(
    st.lists(st.sampled_from(["word", "é", "x" * 150, " ", "  ", "\n", "\t", "\u00a0", "\u2028", "\u200b", "7"])).map(
        "".join
    )
)
def test_a_row_shows_the_beginning_of_a_message_in_one_line(text: str) -> None:
    words = " ".join(text[:320].split())[:160]
    assert conversations.preview(mask(text)) == words
