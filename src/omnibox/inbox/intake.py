"""The one door in: files to blobs, every text masked, then one transaction for all that arrived together."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from omnibox import crash
from omnibox.blobs import Blobs
from omnibox.connector import Envelope, File, Inbound, RemoteFile, Unreadable
from omnibox.inbox import taking, threaded
from omnibox.inbox.messages import Taken, TakenFile
from omnibox.inbox.origin import Origin
from omnibox.inbox.plain import Arrival, take_plain
from omnibox.masking import CARDS, Masked, MaskedBytes, Rules, mask, mask_content, mask_html, mask_raw
from omnibox.secrets import Secrets
from omnibox.store import Store, StoreUnavailable, Transaction, insert
from omnibox.store.hot import Hot
from omnibox.store.tables import arrival, quarantine, source

TEXT_FIELDS = frozenset({"text", "reply_text", "subject", "name", "emoji"})
CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*", re.IGNORECASE)
MOST_MASKED_FILE = 100_000_000  # bytes; nothing larger comes in
MASKED_AT_ONCE = 256_000  # bytes of a file that are masked while everybody waits
UNKNOWN_TYPE = "application/octet-stream"
EMPTY = mask("")
E = TypeVar("E", bound=Envelope)
_SOURCE = insert(source)
_MOVE = Hot(_SOURCE.on_conflict_do_update(index_elements=["connection_id"], set_={"cursor": _SOURCE.excluded.cursor}))


@dataclass(frozen=True, slots=True)
class Intake:
    """What intake needs besides the envelopes."""

    store: Store
    blobs: Blobs
    secrets: Secrets

    async def receive(
        self, origin: Origin, envelopes: Sequence[Envelope], cursor: Mapping[str, Any] | None = None
    ) -> list[taking.Result]:
        """Take everything in one transaction, the source's cursor included; returns once it is durable.

        An item that cannot be taken is quarantined and costs the others nothing. Raises `StoreUnavailable`; then
        nothing was taken, or nobody knows, and the same envelopes may be given again.
        """
        crash.point("receive")
        taken = [await self.prepare(envelope, origin.rules_for(envelope)) for envelope in envelopes]
        try:
            written = await self.store.write_together(_take_all, Call(origin, taken, cursor))
        except StoreUnavailable:
            raise
        except Exception:
            written = await self.store.write(lambda tx: _take_each(tx, origin, taken, cursor))
        return written.result

    async def receive_from_visitor(
        self, origin: Origin, said: Inbound, uploads: tuple[str, ...], uploader: str
    ) -> tuple[taking.Result, int]:
        """One message through the visitor door, with files sent ahead; what became of it, and the log's head then."""
        crash.point("receive from visitor")
        taken = Taken(masked(said, origin.rules_for(said)), (), uploads, uploader)
        written = await self.store.write_together(_take_all, Call(origin, [taken]))
        return written.result[0], written.seq

    async def set_aside(self, origin: Origin, body: bytes, reason: str) -> None:
        """Quarantine a request that is unreadable as a whole, every string of it masked."""
        text = origin.all_rules().mask(mask_raw(clean(body.decode("utf-8", "replace"))))
        item = Unreadable(kind="request", at="", excerpt=text[:500], size=len(body), digest=digest_of(body))
        await self.store.write(lambda tx: put_aside(tx, origin.connection_id, masked(item), reason, text))

    async def prepare(self, envelope: Envelope, rules: Rules = CARDS) -> Taken:
        """Its files kept, its texts masked: what a transaction may take."""
        files = getattr(envelope, "files", ())
        kept = tuple([await self._keep(file, rules) for file in files]) if files else ()
        return Taken(masked(envelope, rules), kept)

    async def _keep(self, file: File, rules: Rules) -> TakenFile:
        name = None if file.name is None else rules.mask(mask_raw(clean(file.name)))
        content_id = None if file.content_id is None else mask(clean(file.content_id))  # as the HTML that names it
        kind = type_of(file.content_type)
        if isinstance(file.content, RemoteFile):
            remote = self.secrets.encrypt(file.content.url)
            return TakenFile(name, kind, content_id, file.inline, None, None, remote)
        content = await masked_file(file.content, kind, rules)
        blob = await self.blobs.put(content)
        crash.point("file kept")
        return TakenFile(name, kind, content_id, file.inline, len(content), blob, None)


def masked(envelope: E, rules: Rules = CARDS) -> E:
    """The envelope with every text of it masked. Ids and addresses are not text.

    In place, though it is frozen for everybody else: the unmasked text shall not live on, and a copy takes longer than
    the masks.
    """
    for name, masks in _texts_of(type(envelope)):
        value = getattr(envelope, name)
        if value:
            object.__setattr__(envelope, name, masks(clean(value)))
        elif value is not None:
            object.__setattr__(envelope, name, EMPTY)
    if rules.patterns:
        _hide_more(envelope, rules)
    return envelope


def _hide_more(envelope: Envelope, rules: Rules) -> None:
    for name, _ in _texts_of(type(envelope)):
        if value := getattr(envelope, name):
            object.__setattr__(envelope, name, (rules.mask_html if name == "html" else rules.mask)(value))


_texts: dict[type, tuple[tuple[str, Callable[[str], Masked]], ...]] = {}


def _texts_of(kind: type[Any]) -> tuple[tuple[str, Callable[[str], Masked]], ...]:
    """The members of an envelope that are text, each with its mask; looked for once per kind."""
    if kind not in _texts:
        masks = dict.fromkeys(TEXT_FIELDS, mask) | {"html": mask_html, "excerpt": _mask_excerpt}
        names = sorted(each.name for each in fields(kind) if each.name in masks)
        _texts[kind] = tuple((name, masks[name]) for name in names)
    return _texts[kind]


def _mask_excerpt(excerpt: str) -> Masked:
    return mask_raw(excerpt, is_cut=True)


def masked_content(content: bytes, content_type: str, rules: Rules = CARDS) -> MaskedBytes:
    """A file's bytes, masked where the file is text, a whole mail included. Images and PDFs are not read."""
    return mask_content(content, content_type, rules)


async def masked_file(content: bytes, content_type: str, rules: Rules = CARDS) -> MaskedBytes:
    """As `masked_content`, beside whatever else there is to do where it may take long."""
    if len(content) <= MASKED_AT_ONCE:
        return masked_content(content, content_type, rules)
    return await asyncio.to_thread(masked_content, content, content_type, rules)


def type_of(content_type: str) -> str:
    """A file's type as a sender says it, if it is one."""
    return content_type if CONTENT_TYPE.fullmatch(mask(content_type)) else UNKNOWN_TYPE


def clean(text: str) -> str:
    """Without what no database takes: NUL, and halves of surrogate pairs, which become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Call(NamedTuple):
    """What arrived together, and the position of its source behind it."""

    origin: Origin
    taken: Sequence[Taken]
    cursor: Mapping[str, Any] | None = None


def _take_all(tx: Transaction, calls: Sequence[Call]) -> list[list[taking.Result]]:
    """What became of all that arrived in each call; what is plain goes first, and as mails do, goes together."""
    arrivals = [Arrival(call.origin, _channel_of(call.origin, each), each) for call in calls for each in call.taken]
    found = {place: taking.Result("stored", message_id) for place, message_id in take_plain(tx, arrivals).items()}
    for place, (origin, _, each) in enumerate(arrivals):
        if place not in found:
            together = threaded.take(tx, arrivals, place)
            found |= enumerate(together or [take_one(tx, origin, each)], place)
    outcomes = (found[place] for place in range(len(arrivals)))
    results = [[next(outcomes) for _ in call.taken] for call in calls]
    for call in calls:
        _move(tx, call.origin, call.cursor)
    return results


def _channel_of(origin: Origin, each: Taken) -> int | None:
    envelope = each.envelope
    return None if isinstance(envelope, Unreadable) else origin.channel_of(envelope.to)


def _take_each(
    tx: Transaction, origin: Origin, taken: Sequence[Taken], cursor: Mapping[str, Any] | None
) -> list[taking.Result]:
    """As `_take_all`, with a savepoint each: what fails is put aside."""
    outcomes: list[taking.Result] = []
    for each in taken:
        mine = Transaction(tx.connection, tx.clock)
        try:
            with tx.connection.begin_nested():
                outcomes.append(take_one(mine, origin, each))
        except (ValueError, TypeError, LookupError, ArithmeticError, sa.exc.StatementError) as error:
            put_aside(tx, origin.connection_id, _trace_of(each.envelope), type(error).__name__)
            outcomes.append(taking.Result("quarantined"))
        else:
            tx.events += mine.events
            tx.words |= mine.words
    _move(tx, origin, cursor)
    return outcomes


def take_one(tx: Transaction, origin: Origin, each: Taken) -> taking.Result:
    """Put an envelope where it belongs; what names no channel of ours is put aside."""
    envelope = each.envelope
    if isinstance(envelope, Unreadable):
        return put_aside(tx, origin.connection_id, envelope, envelope.kind)
    channel_id = origin.channel_of(envelope.to)
    if channel_id is None:
        return put_aside(tx, origin.connection_id, _trace_of(envelope), "unknown_channel")
    result = taking.take(tx, origin, channel_id, each)
    position = getattr(envelope, "position", "")
    if position and not isinstance(envelope, Inbound):  # those are noted with their message
        row = {"connection_id": origin.connection_id, "position": position, "message_id": result.message_id}
        tx.execute(insert(arrival).on_conflict_do_nothing(), row)
    return result


def _trace_of(envelope: Envelope) -> Unreadable:
    """What is kept of an item that could not be taken: which it was, never an unmasked word."""
    key = str(getattr(envelope, "event_key", "") or getattr(envelope, "external_id", ""))
    text = getattr(envelope, "text", "")
    return Unreadable(
        kind=type(envelope).__name__,
        at=key,
        excerpt=text[:500] if isinstance(text, Masked) else "",
        digest=digest_of(key.encode("utf-8", "replace")),
        position=getattr(envelope, "position", ""),
    )


def put_aside(
    tx: Transaction, connection_id: int, item: Unreadable, reason: str, body: Masked | None = None
) -> taking.Result:
    """Keep a masked trace of what could not be read or placed; the same item twice is one row."""
    row = {
        "connection_id": connection_id,
        "kind": item.kind,
        "place": item.position or item.at,
        "digest": item.digest,
        "size": item.size,
        "reason": reason,
        "excerpt": mask(item.excerpt),
        "body": body,
        "at": tx.clock(),
    }
    if tx.execute(insert(quarantine).on_conflict_do_nothing().returning(quarantine.c.id), row).first():
        tx.announce("settings.changed", word="quarantine")
    return taking.Result("quarantined")


def _move(tx: Transaction, origin: Origin, cursor: Mapping[str, Any] | None) -> None:
    if cursor is None:
        return
    tx.execute(_MOVE, {"connection_id": origin.connection_id, "cursor": dict(cursor)})


__all__ = ["Intake", "clean", "masked", "masked_content", "masked_file", "put_aside", "take_one"]
