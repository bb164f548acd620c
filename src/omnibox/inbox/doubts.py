"""Parts of which nobody knows whether they left: what the channel's own records tell, and an agent's second try.

A part in doubt never leaves again before those records were asked. Where they cannot be asked now, or where it left so
lately that they may not show it yet, an agent hears so and may insist.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa

from omnibox.connector import BadSettings, Evidence, Rejected, SendError, Sent
from omnibox.inbox import deciding, queue, recording, states
from omnibox.inbox.delivery import Delivery, no_leaving
from omnibox.inbox.restoring import RESTORED
from omnibox.inbox.way import Way
from omnibox.store import Transaction

EARLY = timedelta(seconds=60)  # a server may still be taking what it was given when the line broke, and file it later
LOOK_S = 60.0
PRESS_S = 15.0  # of a look for which an agent waits

Word = Literal["settled", "sent", "absent", "unknown", "early", "away"]


class NotKnownYet(Exception):
    """The part may have left: its channel's records cannot be asked now (`away`), or not be trusted yet (`early`)."""

    def __init__(self, word: Word) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to: `settled` there was no doubt, `sent` it had left, `absent` it had not and is queued again,
    `unknown` the channel cannot tell. `fence` tells this doubt from a later one about the same part."""

    word: Word
    message_id: int
    fence: int


async def look_up(delivery: Delivery, delivery_id: int, within_s: float = LOOK_S) -> Looked:
    """Ask the connector whether a part left, and settle it where it knows. Raises `LookupError`."""
    row = await delivery.store.read(lambda tx: queue.find_part(tx, delivery_id))
    if row is None:
        raise LookupError(delivery_id)
    word: Word = await _settle(delivery, row, within_s) if _is_doubtful(row) else "settled"
    return Looked(word, row.message_id, row.fence)


async def send_again(delivery: Delivery, delivery_id: int, *, anyway: bool = False) -> int:
    """Queue a failed or uncertain part again, unless it turns out to have left; returns its message.

    Raises `LookupError`, `NotKnownYet` (not with `anyway`), `ReplyRefused`, and `deciding.Settled`: another was faster.
    """
    looked = await look_up(delivery, delivery_id, PRESS_S)
    if looked.word in ("sent", "absent"):
        return looked.message_id
    if looked.word in ("early", "away") and not anyway:
        raise NotKnownYet(looked.word)
    again = partial(deciding.ask_again, delivery_id=delivery_id, ways=delivery.ways, fence=looked.fence)
    return (await delivery.store.write(again)).result


def _is_doubtful(row: sa.Row[Any]) -> bool:
    """Whether it may have left; what an agent gave up may have, too."""
    return (row.state, row.code) == ("failed", deciding.DISMISSED) or bool(row.state == "uncertain")


async def _settle(delivery: Delivery, row: sa.Row[Any], within_s: float) -> Word:
    way = delivery.ways(row.channel_id)
    if way is None:  # its connection is being changed, or is switched off
        return "away"
    if not isinstance(way.connector, Evidence) or row.outcomes:
        return "unknown"  # the copy that others have proves nothing for those it was sent to now
    whole = await delivery.store.read(lambda tx: recording.Claimed(row, row.fence, queue.files_of(tx, row)))
    known = await delivery.store.read(partial(queue.known_ids, conversation_id=row.conversation_id))
    part = delivery.outbound(whole, way, no_leaving)
    if way.capabilities.threads_by == "contact":  # else the refs are what the part itself names
        part = replace(part, refs=known)
    found: Sent | Literal["absent", "unknown"]
    try:
        async with asyncio.timeout(within_s):
            found = await way.connector.look_up(part)
    except Rejected:
        found = "unknown"
    except (SendError, TimeoutError, BadSettings):
        return "away"
    if isinstance(found, Sent):
        await delivery.store.write(partial(_record_sent, delivery_id=row.id, way=way, found=found))
        return "sent"
    if row.state_at > delivery.clock() - EARLY:
        return "early"
    # After a restore an agent may have sent it again in the time that the copy does not know.
    if found == "unknown" or row.code in (RESTORED, deciding.DISMISSED):
        return "unknown"
    with contextlib.suppress(deciding.Settled):  # by an echo meanwhile
        await delivery.store.write(partial(deciding.send_again, delivery_id=row.id, fence=row.fence))
    return "absent"


def _record_sent(tx: Transaction, delivery_id: int, way: Way, found: Sent) -> None:
    row = states.lock_delivery(tx, delivery_id)
    if row is not None:
        states.record_sent(tx, row, way.id_scope, found.external_id, found.aliases)
