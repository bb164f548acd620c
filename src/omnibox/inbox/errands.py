"""The handlers of durable jobs: remote files, profiles, probes, evidence, what was missed, sweeping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, cast

import sqlalchemy as sa

from omnibox.blobs import Blobs
from omnibox.clock import Clock, now
from omnibox.connector import BadSettings, Profile, Rejected, SendError
from omnibox.inbox import acknowledging, conversations, doubts, pictures
from omnibox.inbox.delivery import Delivery
from omnibox.inbox.intake import clean, masked_file
from omnibox.inbox.retries import backoff
from omnibox.inbox.way import Ways
from omnibox.jobs import Again, Handler, Later, enqueue
from omnibox.masking import CARDS, Rules, rules_of
from omnibox.secrets import Secrets
from omnibox.store import Reader, Store, Transaction
from omnibox.store.tables import attachment, channel, event, identity, message

FETCH_TRIES = 6
EVIDENCE_TRIES = 5
AWAY_TRIES = 11  # where the platform cannot be asked
EVIDENCE_S = 60.0  # echoes come within seconds; then the platform is asked
DAY_S = 86_400.0
KEEP_EVENTS = timedelta(days=30)
KEEP_LOOSE_BLOBS = timedelta(days=1)
BLOBS_AT_ONCE = 500  # asked about in one read


class Fetch(Protocol):
    async def __call__(self, url: str, most_bytes: int) -> Any: ...


@dataclass(frozen=True, slots=True)
class Errands:
    """What the handlers need; `fetch` is the guarded client, `probe` asks a connection whether it works again."""

    store: Store
    blobs: Blobs
    secrets: Secrets
    ways: Ways
    delivery: Delivery
    fetch: Fetch
    probe: Callable[[int], Awaitable[bool]]
    catch_up: Callable[[int], Awaitable[float | None]]
    can_catch_up: Callable[[], Sequence[int]]
    most_file_bytes: int
    clock: Clock = now

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "fetch": self.fetch_file,
            pictures.JOB: self.ask_profile,
            "probe": self.probe_connection,
            "evidence": self.look_for_evidence,
            "catch_up": self.ask_for_missed,
            acknowledging.JOB: self.acknowledge,
            "sweep": self.sweep,
        }

    async def fetch_file(self, subject: str, attempt: int) -> None:
        """Bring a remote file home; after the last try the conversation says that it is not available."""
        attachment_id = int(subject)
        row = await self.store.read(
            lambda tx: tx.execute(sa.select(attachment).where(attachment.c.id == attachment_id)).first()
        )
        if row is None or row.state != "pending":
            return
        try:
            fetched = await self.fetch(self.secrets.decrypt(row.remote), self.most_file_bytes)
        except (Rejected, BadSettings):
            await self.store.write(lambda tx: _file_failed(tx, attachment_id))
            return
        except SendError:
            if attempt >= FETCH_TRIES:
                await self.store.write(lambda tx: _file_failed(tx, attachment_id))
                return
            raise Later(backoff(attempt)) from None
        rules = await self.store.read(lambda tx: _rules_of(tx, row.message_id))
        content = await masked_file(fetched.content, fetched.content_type, rules)
        blob = await self.blobs.put(content)
        await self.store.write(lambda tx: _file_ready(tx, attachment_id, blob, len(content), fetched.content_type))

    async def ask_profile(self, subject: str, attempt: int) -> None:
        """Ask the platform for a person's name and picture, where its connector can. No answer is normal."""
        identity_id = int(subject)
        person = await self.store.read(
            lambda tx: tx.execute(sa.select(identity).where(identity.c.id == identity_id)).first()
        )
        way = self.ways(int(person.scope.removeprefix("channel:"))) if person is not None and person.scope else None
        ask = getattr(way.connector, "profile", None) if way is not None else None
        if person is None or way is None or ask is None:
            return
        await self.store.write(lambda tx: pictures.note_asked(tx, person.contact_id))
        try:
            found: Profile | None = await ask(person.address, way.address)
        except SendError:
            raise Later(backoff(attempt, 30, 3600)) from None
        if found is not None and found.name:
            name = way.origin.rules.get(way.channel_id, CARDS).mask(clean(found.name))
            await self.store.write(lambda tx: conversations.name_contact(tx, person.contact_id, name))
            if found.is_stopgap:
                raise Later(DAY_S)
        if found is not None:
            await self._show_picture(person.contact_id, found.picture)

    async def _show_picture(self, contact_id: int, url: str) -> None:
        """The picture as the platform shows it now; one that cannot be fetched leaves things as they are."""
        blob = await pictures.fetch(url, self.fetch, self.blobs) if url else None
        if blob or not url:
            await self.store.write(lambda tx: pictures.keep(tx, contact_id, blob))

    async def probe_connection(self, subject: str, attempt: int) -> None:
        if not await self.probe(int(subject)):
            raise Again(backoff(4))  # not by the tries: those that a kill cut short count, and replies wait meanwhile

    async def look_for_evidence(self, subject: str, attempt: int) -> None:
        """Settle an uncertain delivery by the platform's own records; an echo may have done it before."""
        if attempt == 1:
            raise Later(EVIDENCE_S)
        try:
            word = (await doubts.look_up(self.delivery, int(subject))).word
        except LookupError:
            return
        most = {"unknown": EVIDENCE_TRIES, "early": AWAY_TRIES, "away": AWAY_TRIES}.get(word, 0)
        if attempt < most:
            raise Later(backoff(attempt, 60, 900))

    async def ask_for_missed(self, subject: str, attempt: int) -> None:
        """Take what a platform said while nobody listened: of one connection now, or of all once an hour."""
        if subject != "hourly":
            if (wait_s := await self.catch_up(int(subject))) is not None:
                raise Again(max(wait_s, backoff(4)))  # the hourly one would only begin it anew
            return
        for connection_id in self.can_catch_up():
            await self.store.write(partial(enqueue, kind="catch_up", subject=str(connection_id)))
        raise Again(3600)

    async def acknowledge(self, subject: str, attempt: int) -> None:
        """Confirm a person's first message, where the channel wants it."""
        await self.store.write(partial(acknowledging.acknowledge, message_id=int(subject), ways=self.ways))

    async def sweep(self, subject: str, attempt: int) -> None:
        """Once an hour: forget old events and blobs that no row names, and ask for pictures that are old."""
        before = self.clock() - KEEP_EVENTS
        await self.store.write(lambda tx: tx.execute(sa.delete(event).where(event.c.at < before)))
        await self.store.write(pictures.ask_again)
        names: list[str] = []
        async for name in self.blobs.names(self.clock() - KEEP_LOOSE_BLOBS):
            names.append(name)
            if len(names) == BLOBS_AT_ONCE:
                await self._sweep_blobs(names)
                names.clear()
        await self._sweep_blobs(names)
        raise Again(3600)

    async def _sweep_blobs(self, names: Sequence[str]) -> None:
        kept = await self.store.read(partial(_kept, blobs=names))
        for name in names:
            if name not in kept:
                await self.blobs.remove(name)


def _rules_of(tx: Reader, message_id: int) -> Rules:
    """What is hidden on the channel of a message."""
    wanted = sa.select(channel.c.patterns).join(message, message.c.channel_id == channel.c.id)
    return rules_of(tx.execute(wanted.where(message.c.id == message_id)).scalar())


def _kept(tx: Reader, blobs: Sequence[str]) -> set[str]:
    """Those of `blobs` that a row names."""
    files = sa.select(attachment.c.blob).where(attachment.c.blob.in_(blobs))
    return set(tx.execute(files).scalars()) | pictures.named(tx, blobs)


def _file_ready(tx: Transaction, attachment_id: int, blob: str, size: int, content_type: str) -> None:
    values = {"state": "ready", "blob": blob, "size": size, "remote": None, "content_type": content_type}
    _file_changed(tx, attachment_id, values)


def _file_failed(tx: Transaction, attachment_id: int) -> None:
    _file_changed(tx, attachment_id, {"state": "failed"})


def _file_changed(tx: Transaction, attachment_id: int, values: Mapping[str, Any]) -> None:
    message_id = tx.execute(
        sa.update(attachment).where(attachment.c.id == attachment_id).values(values).returning(attachment.c.message_id)
    ).scalar()
    if message_id is None:
        return
    changed = sa.update(message).where(message.c.id == message_id).values(rev=message.c.rev + 1)
    conversation_id = cast("int", tx.execute(changed.returning(message.c.conversation_id)).scalar_one())
    tx.announce("message.changed", conversation=conversation_id, message=message_id)
