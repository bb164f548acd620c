"""Connections and channels as rows, on both databases."""

from typing import Any

import pytest
import sqlalchemy as sa

from omnibox.events import events_after
from omnibox.inbox import channels
from omnibox.masking import mask
from omnibox.store import Store, Transaction
from omnibox.store import tables as t


def add_both(tx: Transaction, address: str = "shop") -> tuple[int, int]:
    """A connection with one channel."""
    connection_id = channels.add_connection(
        tx, connector="pigeon", name=mask("Mine"), hook_key=f"hook {address}", document="sealed"
    )
    return connection_id, add_channel(tx, connection_id, address)


def add_channel(tx: Transaction, connection_id: int, address: str) -> int:
    return channels.add_channel(
        tx,
        connection_id=connection_id,
        address=address,
        key=f"{connection_id} {address}",
        name=mask("Shop"),
        document="sealed",
        state="draft",
    )


def converse(tx: Transaction, channel_id: int) -> None:
    """A conversation on the channel, with two parts that wait and one that has left."""
    at = tx.clock()
    contact = insert(tx, t.contact, created_at=at)
    identity = insert(tx, t.identity, contact_id=contact, kind="id", scope="", address=f"a{channel_id}", created_at=at)
    about = {"channel_id": channel_id, "identity_id": identity}
    talk = insert(
        tx, t.conversation, **about, contact_id=contact, state="open", last_at=at, opened_at=at, automatic=False
    )
    message = insert(
        tx,
        t.message,
        **about,
        conversation_id=talk,
        kind="outbound",
        author_kind="system",
        text=mask("Hi"),
        at=at,
        created_at=at,
    )
    for number, is_open in enumerate((True, True, False)):
        insert(
            tx,
            t.delivery,
            **about,
            conversation_id=talk,
            message_id=message,
            part_id=f"{channel_id}.{number}",
            position=number,
            address="a",
            text=mask("Hi"),
            files=[],
            refs=[],
            mode="",
            state="queued" if is_open else "sent",
            is_open=is_open,
            written_at=at,
            not_before=at,
            state_at=at,
        )


def insert(tx: Transaction, table: sa.Table, **values: Any) -> int:
    return int(tx.execute(sa.insert(table).returning(table.c.id), values).scalar_one())


async def test_a_channel_is_read_with_the_state_of_its_connection(store: Store) -> None:
    connection_id, channel_id = (await store.write(add_both)).result
    await store.write(lambda tx: channels.set_state(tx, connection_id, "active"))
    row = await store.read(lambda tx: channels.find_channel(tx, channel_id))
    assert row is not None
    assert (row.id, row.name, row.state, row.connector, row.connection_state) == (
        channel_id,
        "Shop",
        "active",
        "pigeon",
        "active",
    )
    assert [each.id for each in await store.read(channels.all_channels)] == [channel_id]
    assert (await store.write(lambda tx: channels.find_channel(tx, channel_id, lock=True))).result == row


async def test_an_address_stands_once_on_a_connection_and_again_on_another(store: Store) -> None:
    connection_id, _ = (await store.write(add_both)).result
    with pytest.raises(sa.exc.IntegrityError):
        await store.write(lambda tx: add_channel(tx, connection_id, "shop"))
    second = (await store.write(lambda tx: add_channel(tx, connection_id, "second"))).result
    with pytest.raises(sa.exc.IntegrityError):
        await store.write(lambda tx: channels.change_channel(tx, second, address="shop"))
    other = (
        await store.write(
            lambda tx: channels.add_connection(
                tx, connector="pigeon", name=mask("Other"), hook_key="other", document="sealed"
            )
        )
    ).result
    assert (await store.write(lambda tx: add_channel(tx, other, "shop"))).result


async def test_what_waits_is_counted_per_channel(store: Store) -> None:
    _, first = (await store.write(lambda tx: add_both(tx, "one"))).result
    _, second = (await store.write(lambda tx: add_both(tx, "two"))).result
    await store.write(lambda tx: converse(tx, second))
    assert await store.read(channels.waiting_by_channel) == {second: 2}
    assert await store.read(lambda tx: channels.waiting_by_channel(tx, first)) == {}


async def test_what_has_conversations_stays_whole(store: Store) -> None:
    connection_id, channel_id = (await store.write(add_both)).result
    await store.write(lambda tx: converse(tx, channel_id))
    with pytest.raises(sa.exc.IntegrityError):
        await store.write(lambda tx: channels.remove_channel(tx, channel_id))
    with pytest.raises(sa.exc.IntegrityError):
        await store.write(lambda tx: channels.remove_connection(tx, connection_id))
    assert await store.read(lambda tx: channels.find_channel(tx, channel_id)) is not None
    assert [event.type for event in await store.read(lambda tx: events_after(tx, 0))] == [
        "settings.changed",
        "channel.changed",
    ]


async def test_a_connection_goes_with_everything_that_hangs_on_it(store: Store) -> None:
    connection_id, channel_id = (await store.write(add_both)).result

    def hang(tx: Transaction) -> None:
        at, mine = tx.clock(), {"connection_id": connection_id}
        tx.execute(sa.insert(t.memory), {**mine, "key": "k", "value": "v", "until": at})
        tx.execute(sa.insert(t.source), {**mine, "cursor": {}})
        tx.execute(sa.insert(t.arrival), {**mine, "position": "p"})
        insert(
            tx,
            t.quarantine,
            **mine,
            kind="request",
            place="",
            digest="d",
            size=1,
            reason="r",
            excerpt=mask("e"),
            at=at,
        )
        contact = insert(tx, t.contact, created_at=at)
        visitor = insert(tx, t.identity, contact_id=contact, kind="visitor", scope="s", address="v", created_at=at)
        token = {"token_hash": "h", "identity_id": visitor, "channel_id": channel_id, "created_at": at}
        tx.execute(sa.insert(t.visitor_token), token)

    await store.write(hang)
    await store.write(lambda tx: channels.remove_connection(tx, connection_id))
    assert await store.read(lambda tx: channels.find_connection(tx, connection_id)) is None
    assert await store.read(channels.all_channels) == []
    assert await store.read(channels.quarantined) == []
