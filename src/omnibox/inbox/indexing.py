"""Brings the search index up behind the messages: from the event log, and from the history before it.

No message waits for its index. One task reads what happened since its cursor, makes documents of the stored, masked
rows, and writes them in bulk together with the cursor; so a crash at any point repeats a chunk at most, and a document
is put in place of its older form. When there are no events left, the history below a mark goes in, newest first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from omnibox.bus import Bus
from omnibox.events import read_head, read_seq
from omnibox.logs import get_logger
from omnibox.masking import mask
from omnibox.store import Reader, Store, StoreUnavailable, Transaction, among, insert
from omnibox.store.search import Document, Index, fold, index_of, indexed_words, state
from omnibox.store.tables import attachment, contact, conversation, event, identity, message

CHUNK = 256  # documents in one write: 10 ms of the writer
MOST_EVENTS = 1000  # looked at once
MOST_TEXT = 100_000  # characters of one text that are found
SETTLE_S = 0.2  # after a ring, so that what comes together is written together
MOST_SETTLE_S = 2.0  # and while much comes: messages go first
RETRY_S = 2.0
STEP_BACK_S = 5.0  # for whoever comes second: the other goes on, and if it ends, we do
BUSY = 200  # events per second from which messages go first
REST, REST_OF_HISTORY, REST_WHEN_BUSY = 1.0, 24.0, 49.0  # pause after a chunk, in times of what it took
FAILED_S = 30.0
TELL_S = 30.0
log = get_logger("omnibox.search")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the index has come, as of one `turn`."""

    seq: int
    below: int
    turn: int


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be written next: documents, those that go, and where the index stands then."""

    found: Mark | None  # None: begin anew
    then: Mark
    documents: Sequence[Document] = ()
    gone: Collection[int] = ()
    within: tuple[int, int] | None = None  # a contact's messages up to this one are in, but not the whole event
    head: int = 0
    is_ours: bool = True  # False: another process took this turn, and nothing was written

    @property
    def is_nothing(self) -> bool:
        return self.found == self.then and self.within is None

    @property
    def is_of_history(self) -> bool:
        return self.found is not None and self.found.below != self.then.below


@dataclass(slots=True)
class Indexer:
    """One per process; of several over one store, the slower gives way at each step."""

    store: Store
    bus: Bus
    index: Index
    within: tuple[int, int] | None = None
    told_at: float = 0.0
    was_filling: bool = False

    async def run(self) -> None:
        """For ever. A failure is logged and tried again: messages come and go without their index."""
        head, looked_at, is_rung = 0, time.monotonic(), False
        while True:
            rung = self.bus.heard("events")
            try:
                if is_rung:
                    head, looked_at = await self._settle(head)
                began = time.monotonic()
                step = await self.step()
            except StoreUnavailable:
                await asyncio.sleep(RETRY_S)
                continue
            except Exception as error:
                log.error("the search index could not be brought up", error=type(error).__name__)
                await asyncio.sleep(FAILED_S)
                continue
            rate = (step.head - head) / max(began - looked_at, 0.001) if head else 0.0
            head, looked_at, is_rung = step.head, began, False
            if step.is_nothing:
                await self.bus.wait("events", rung)
                is_rung = self.bus.heard("events") != rung
            elif not step.is_ours:
                await asyncio.sleep(STEP_BACK_S)
            else:
                self._tell(step)
                took = time.monotonic() - began
                rest = REST_WHEN_BUSY if rate > BUSY else REST_OF_HISTORY if step.is_of_history else REST
                await asyncio.sleep(took * rest)

    async def _settle(self, head: int) -> tuple[int, float]:
        """Wait until what comes together is there, for longer where it comes quickly.

        Returns from which event and moment on it is to be seen how quickly it comes now.
        """
        began = looked_at = time.monotonic()
        while True:
            await asyncio.sleep(SETTLE_S)
            seq, now = await self.store.read(read_seq), time.monotonic()
            if seq - head <= BUSY * (now - looked_at) or now - began >= MOST_SETTLE_S:
                return head, looked_at
            head, looked_at = seq, now

    async def step(self) -> Step:
        """Take the next chunk in; says what was done. Nothing is left when that is nothing."""
        step = await self.store.read(partial(_look, version=self.index.version, within=self.within))
        if step.is_nothing:
            return step
        is_ours = (await self.store.write(partial(_put, index=self.index, step=step))).result
        self.within = step.within if is_ours else None
        return replace(step, is_ours=is_ours)

    async def catch_up(self) -> None:
        """Until nothing is left."""
        while not (await self.step()).is_nothing:
            pass

    def _tell(self, step: Step) -> None:
        now = time.monotonic()
        if step.then.below and (step.found is None or now - self.told_at >= TELL_S):
            self.was_filling, self.told_at = True, now
            log.info("the search index is being filled, from the newest message on", below=step.then.below)
        elif self.was_filling and not step.then.below:
            self.was_filling = False
            log.info("the search index has the whole history")


def make_indexer(store: Store, bus: Bus) -> Indexer:
    return Indexer(store, bus, index_of(store.is_embedded))


def start_anew(tx: Transaction) -> None:
    """Have the whole index made again, for example after masking changed old messages."""
    tx.execute(sa.delete(state))


# ── What is next

_EVENTS = (
    sa.select(event.c.seq, event.c.type, event.c.message_id, event.c.contact_id, event.c.conversation_id)
    .where(event.c.seq > sa.bindparam("after"))
    .order_by(event.c.seq)
    .limit(MOST_EVENTS)
)


def _look(tx: Reader, version: int, within: tuple[int, int] | None) -> Step:
    head = read_head(tx)
    row = tx.execute(sa.select(state)).first()
    if row is None or row.version != version or row.seq > head.seq or row.seq + 1 < head.oldest:
        newest = tx.execute(sa.select(sa.func.max(message.c.id))).scalar()
        return Step(None, Mark(head.seq, (newest or 0) + 1, row.turn + 1 if row else 1), head=head.seq)
    mark_ = Mark(row.seq, row.below, row.turn)
    if head.seq > mark_.seq:
        return _next_events(tx, mark_, head.seq, within)
    return replace(_next_history(tx, mark_), head=head.seq)


def _next_events(tx: Reader, found: Mark, head: int, within: tuple[int, int] | None) -> Step:
    """The events that a chunk has room for. A contact with more messages than that is taken in several."""
    ids: set[int] = set()
    seq, rest = found.seq, None
    for each in tx.execute(_EVENTS, {"after": found.seq}):
        room = CHUNK - len(ids)
        touched = _touched(tx, each, within[1] if within and within[0] == each.seq else 0, room)
        if len(touched) > room:
            if not ids:
                ids, rest = set(touched[:room]), (each.seq, touched[room - 1])
            break
        ids.update(touched)
        seq = each.seq
    documents = _documents(tx, ids)
    gone = ids - {each.id for each in documents}
    return Step(found, replace(found, seq=seq, turn=found.turn + 1), documents, gone, rest, head)


def _touched(tx: Reader, each: sa.Row[Any], after: int, room: int) -> list[int]:
    """The messages whose documents an event changes, at most one more than there is room for."""
    if each.type in ("message.added", "message.changed"):
        return [each.message_id]
    if each.type == "contact.changed":
        whose = conversation.c.contact_id == each.contact_id
    elif each.type == "conversation.rearranged":  # a document says which conversation it belongs to
        whose = conversation.c.id == each.conversation_id
    else:
        return []
    wanted = (
        sa.select(message.c.id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(whose, message.c.id > after)
        .order_by(message.c.id)
        .limit(room + 1)
    )
    return list(tx.execute(wanted).scalars())


def _next_history(tx: Reader, found: Mark) -> Step:
    if not found.below:
        return Step(found, found)
    wanted = sa.select(message.c.id).where(message.c.id < found.below).order_by(message.c.id.desc()).limit(CHUNK)
    ids = list(tx.execute(wanted).scalars())
    below = ids[-1] if len(ids) == CHUNK else 0
    documents = _documents(tx, ids)
    return Step(found, replace(found, below=below, turn=found.turn + 1), documents)


# ── Documents

_SAID = (
    sa.select(
        message.c.id,
        message.c.conversation_id,
        message.c.text,
        message.c.subject,
        conversation.c.subject.label("topic"),
        conversation.c.contact_id,
        contact.c.name,
        contact.c.email,
        contact.c.phone,
    )
    .join(conversation, conversation.c.id == message.c.conversation_id)
    .join(contact, contact.c.id == conversation.c.contact_id)
    .where(
        among(message.c.id),
        message.c.deleted_at.is_(None),
        sa.or_(message.c.kind != "line", message.c.why.is_(None)),  # nobody looks for what agents rearranged
    )
    .order_by(message.c.id)
)
_FILE_NAMES = sa.select(attachment.c.message_id, attachment.c.name).where(
    among(attachment.c.message_id), attachment.c.name.is_not(None)
)
_ADDRESSES = sa.select(identity.c.contact_id, identity.c.address).where(among(identity.c.contact_id))


def _documents(tx: Reader, ids: Collection[int]) -> list[Document]:
    """What is to be found of these messages; those that are gone or deleted have none."""
    if not ids:
        return []
    rows = tx.execute(_SAID, {"ids": list(ids)}).all()
    files = _by_owner(tx.execute(_FILE_NAMES, {"ids": list(ids)}))
    addresses = _by_owner(tx.execute(_ADDRESSES, {"ids": list({row.contact_id for row in rows})}))
    return [_document(row, files.get(row.id, ()), addresses.get(row.contact_id, ())) for row in rows]


def _by_owner(rows: Iterable[Any]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    for owner, text in rows:
        found.setdefault(owner, []).append(text)
    return found


def _document(row: sa.Row[Any], files: Sequence[str], addresses: Sequence[str]) -> Document:
    """One line each for the text and whatever else a message is found by.

    Folding turns digits of other alphabets and circled ones into plain digits, hence the second masking.
    """
    texts = [row.text, row.subject, row.topic, *files, row.name, row.email, row.phone, *addresses]
    lines = dict.fromkeys(" ".join(fold(text[:MOST_TEXT]).split()) for text in texts if text)
    text = mask("\n".join(lines))
    return Document(row.id, row.conversation_id, text, indexed_words(text))


# ── Writing


def _put(tx: Transaction, index: Index, step: Step) -> bool:
    """Write a step; False where another process has taken this turn."""
    row = {"version": index.version, "seq": step.then.seq, "below": step.then.below, "turn": step.then.turn}
    if step.found is None:
        statement = insert(state)
        fresh = statement.excluded
        taken = tx.execute(
            statement.on_conflict_do_update(
                index_elements=["id"],
                set_={name: fresh[name] for name in row},
                where=state.c.turn < fresh.turn,
            ).returning(state.c.turn),
            row | {"id": 1},
        ).first()
        if taken is not None:
            index.clear(tx)
        return taken is not None
    moved = tx.execute(sa.update(state).where(state.c.turn == step.found.turn).values(row))
    if not moved.rowcount:
        return False
    index.remove(tx, step.gone)
    index.put(tx, step.documents)
    return True


__all__ = ["Indexer", "make_indexer", "start_anew"]
